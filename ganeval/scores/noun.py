"""The nouns for the items of sources in reports."""

from collections.abc import Iterable, Mapping
from typing import Any


def noun_of(card: Mapping[str, Any]) -> str:
    """Return the plural noun of a source's items; "images" in files of older versions."""
    return str(card.get("noun", "images"))


def common_noun(nouns: Iterable[str]) -> str:
    """Return the plural noun for items of several sources; "items" if they differ or lack one."""
    found = set(nouns)
    return found.pop() if len(found) == 1 else "items"
