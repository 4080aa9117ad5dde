"""A run beside the accepted baseline: limits, changes and the decision."""
