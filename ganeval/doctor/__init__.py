"""Look for problems in sources before they are scored."""
