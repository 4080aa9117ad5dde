"""What metrics share: linear algebra, neighbours, errors; NumPy arrays in and out."""
