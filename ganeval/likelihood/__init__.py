"""How probable held-out pictures are under a generator, where that is intractable."""
