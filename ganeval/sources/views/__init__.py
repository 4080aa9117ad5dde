"""Views: sources whose items are made from the items of other sources."""
