"""Networks that turn images or clips into features, and their weights."""
