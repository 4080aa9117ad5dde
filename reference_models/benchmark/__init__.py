"""Models x data x seeds: trained, scored against one reference, compared."""
