"""The training engine: the game, the solvers that move its players, and everything around them."""
