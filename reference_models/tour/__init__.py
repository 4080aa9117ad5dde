"""The tour of `ganeval quickstart`: it trains two models on digits, scores and explains them."""
