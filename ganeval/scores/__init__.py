"""What a score is: its kind, its label, its row, its error and its differences."""
