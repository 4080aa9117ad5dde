"""Which files of a container are its items, by their names."""

from pathlib import PurePosixPath

from ganeval.sources.base import plural
from ganeval.sources.files.medium import Medium
from ganeval.sources.files.pictures import Pictures
from ganeval.sources.files.sounds import Sounds

DOT_FILES = "dot files"
OTHER_FILES = "other files"
PICTURES = "pictures"
SOUNDS = "files of sound"
LINKS = "links"

MAYBE_ITEMS = (Pictures.left_alone, Sounds.left_alone, LINKS)
"""Reasons for leaving files alone that the user may have meant as items of the source."""

_MEDIUM_OF = {
    **dict.fromkeys(Pictures.suffixes, PICTURES),
    **dict.fromkeys((*Sounds.suffixes, *Sounds.alike), SOUNDS),
}


def ignored_reason(name: str, medium: Medium, pattern: str | None = None) -> str | None:
    """Return why a file of this relative name (with slashes) is left alone, None for an item."""
    # The same as pathlib, which would take several times as long for every file.
    parts = [part for part in name.split("/") if part not in ("", ".")]
    ending = parts[-1].rpartition(".")[2].lower() if parts and "." in parts[-1] else ""
    if any(part.startswith(".") and part != ".." for part in parts):
        return DOT_FILES
    if ending not in medium.suffixes:
        alike = ending in medium.alike
        return medium.left_alone if alike else _MEDIUM_OF.get(ending, OTHER_FILES)
    return None if fits_pattern(name, pattern) else not_chosen(medium)


def not_chosen(medium: Medium) -> str:
    """Return the reason under which items that do not fit the pattern are counted."""
    return f"{plural(medium.content)} that do not fit the pattern"


def fits_pattern(name: str, pattern: str | None) -> bool:
    """Tell whether the last parts of a name (with slashes) match a pattern.

    >>> fits_pattern("results/1_fake_B.png", "*_fake_B.png")
    True
    >>> fits_pattern("train/1.jpg", "test/*.jpg")
    False
    """
    return pattern is None or PurePosixPath(name).match(pattern)
