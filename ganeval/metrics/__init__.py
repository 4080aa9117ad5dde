"""Pure functions from features to scores."""
