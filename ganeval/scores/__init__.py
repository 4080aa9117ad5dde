"""What a score is: its kind, and in time its row, its error and its differences."""
