"""Estimates of the likelihood of held-out pictures under a generator."""
