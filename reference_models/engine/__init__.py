"""The game, the solvers that move its players, and the randomness they draw."""
