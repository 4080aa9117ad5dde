"""Generators of images: their checkpoints, how these are read, and how samples are drawn."""
