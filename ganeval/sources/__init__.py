"""Anything that has images, as an ordered, finite, re-readable list of items."""
