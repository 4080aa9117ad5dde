"""How long-running work reports its progress."""

from typing import Protocol

SCORES_OF = "scores of "
REPORT_PICTURES = "pictures of the report"


class Progress(Protocol):
    """Called with a label, the number of things done so far, their total, and what they are called.

    The noun is empty for scores and for the pictures of a report, for which no rate is shown.
    """

    def __call__(self, label: str, done: int, total: int, noun: str = "", /) -> None:
        """Report the progress."""


def silent(label: str, done: int, total: int, noun: str = "", /) -> None:
    """Do nothing."""
