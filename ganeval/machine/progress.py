"""How long work tells the outside how far it is."""

from typing import Protocol

SCORES_OF = "scores of "
REPORT_PICTURES = "pictures of the report"


class Progress(Protocol):
    """Called with a label, the number of things done so far, and their total.

    The things are images, unless the label is `REPORT_PICTURES` or begins with `SCORES_OF`.
    """

    def __call__(self, label: str, done: int, total: int) -> None:
        """Take note."""


def silent(label: str, done: int, total: int) -> None:
    """Tell nobody."""
