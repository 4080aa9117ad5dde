"""Check the order of the pictures by their names."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from ganeval.doctor.finding import Finding
from ganeval.doctor.inventory import Inventory

_LEAST = 2  # pictures of a class
_PREFIX = re.compile(r"(?P<prefix>.*?[^\W\d_])[ _-]*\d+\Z", re.DOTALL)  # cat_0001, cat-1


def class_order(inventory: Inventory) -> list[Finding]:
    """Find names that sort the pictures by class, so that the first N are a bad sample."""
    if not inventory.formats:
        return []
    names = [look.name for look in inventory.looks]
    folders = _classes([str(PurePosixPath(name).parent) for name in names])
    prefixes = _classes([_prefix(name) for name in names])
    classes, where = (folders, "folders") if folders else (prefixes, "beginnings of their names")
    if not classes:
        return []
    least, most = min(classes.values()), max(classes.values())
    sizes = f"{least:,} pictures each" if least == most else f"{least:,} to {most:,} pictures"
    return [
        Finding(
            check="class-order",
            severity="note",
            source=inventory.location,
            what=f"the pictures are sorted by {len(classes):,} {where}, maybe classes, of {sizes}",
            needed="a random order, for tools that take the first N",
            remedy="choose a subset with --num-images, which draws at random",
        )
    ]


def _classes(labels: Sequence[str | None]) -> Counter[str]:
    """Return the number of pictures by label; nothing if the labels are not classes."""
    known = Counter(label for label in labels if label is not None)
    is_split = len(known) >= _LEAST and known.total() == len(labels)
    return known if is_split and min(known.values()) >= _LEAST else Counter()


def _prefix(name: str) -> str | None:
    """Return the part of a name before its final number."""
    match = _PREFIX.match(PurePosixPath(name).stem)
    return match["prefix"] if match else None
