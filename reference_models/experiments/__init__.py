"""Small runs that show of each system what it is for, each with a control that must fail."""

EXPERIMENTS: dict[str, str] = {}
"""Name of the experiment -> "module:experiment"."""
