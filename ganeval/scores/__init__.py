"""What a score means and what it is called; in time its row, its error and its differences."""
