"""A look over sources before they are scored."""
