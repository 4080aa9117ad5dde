"""What the items of sources are called, as reports say it."""

from collections.abc import Iterable, Mapping
from typing import Any


def noun_of(card: Mapping[str, Any]) -> str:
    """Return what several items of a source are called: "images" in files of older versions."""
    return str(card.get("noun", "images"))


def common_noun(nouns: Iterable[str]) -> str:
    """Return what items of several sources are called: "items" where they differ or are none."""
    found = set(nouns)
    return found.pop() if len(found) == 1 else "items"
