"""How long work tells the outside how far it is."""

from typing import Protocol

SCORES_OF = "scores of "
REPORT_PICTURES = "pictures of the report"


class Progress(Protocol):
    """Called with a label, the number of things done so far, their total, and what they are called.

    Scores, and what a page shows, are called nothing: nobody asks how many there are in a second.
    """

    def __call__(self, label: str, done: int, total: int, noun: str = "", /) -> None:
        """Take note."""


def silent(label: str, done: int, total: int, noun: str = "", /) -> None:
    """Tell nobody."""
