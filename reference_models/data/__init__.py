"""What the reference models learn from: toy densities and small pictures, all offline."""
