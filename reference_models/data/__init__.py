"""Training data of the reference models: toy densities and small pictures, all offline."""
