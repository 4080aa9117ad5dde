"""Views: sources whose items are made of those of other sources."""
