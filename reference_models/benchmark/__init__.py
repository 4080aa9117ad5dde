"""Benchmarks: train models on data sets with several seeds, score and compare them."""
