"""Generators of images and clips: how checkpoints are read, and how samples are drawn."""
