"""Scores with their provenance: reports and tables."""
