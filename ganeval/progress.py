"""How long work tells the outside how far it is."""

from typing import Protocol


class Progress(Protocol):
    """Called with a label, the number of things done so far, their total, and what they are."""

    def __call__(self, label: str, done: int, total: int, unit: str = "images") -> None:
        """Take note."""


def silent(label: str, done: int, total: int, unit: str = "images") -> None:
    """Tell nobody."""
