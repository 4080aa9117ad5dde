"""How long work tells the outside how far it is."""

from typing import Protocol


class Progress(Protocol):
    """Called with a label, the number of things done so far, and their total."""

    def __call__(self, label: str, done: int, total: int) -> None:
        """Take note."""


def silent(label: str, done: int, total: int) -> None:
    """Tell nobody."""
