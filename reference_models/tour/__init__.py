"""The tour of `ganeval quickstart`: two models trained on digits, scored, shown and explained."""
