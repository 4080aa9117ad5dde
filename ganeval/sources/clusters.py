"""Which items of a source belong together, by their names: crops of one picture, frames of a video.

Images of one cluster are not independent, so an error has to be taken over clusters.
"""

import re
from typing import Literal

from ganeval.sources.arrays.pixels import numbers
from ganeval.sources.base import Source

ClusterBy = Literal["name-prefix", "folder"]

# What stands before the last part of a name: `img12` of `img12_crop3`.
_PREFIX = re.compile(r"(.+)[_.-][^_.-]+")


def cluster_names(source: Source, by: ClusterBy) -> tuple[str, ...] | None:
    """Return the cluster of each item, or None if the items have numbers in place of names.

    Args:
        source: The source.
        by: "folder" takes the folder that the item lies in (`a/b` of `a/b/1.png`). "name-prefix"
            takes the name with its folder, but without its ending and without what follows the last
            `_`, `-` or `.` (`a/img12` of `a/img12_crop3.png`). A name without such a part is kept
            whole, so that `a/img12.png` is in one cluster with its crops.
    """
    names = source.names()
    if tuple(names) == tuple(numbers(len(source))):
        return None
    return tuple(map(_folder if by == "folder" else _prefix, names))


def _folder(name: str) -> str:
    """Return the folder that an item lies in, "" for the source itself."""
    return name.rpartition("/")[0]


def _prefix(name: str) -> str:
    """Return the name without its ending and without its last part, if it has several."""
    folder, slash, last = name.rpartition("/")
    stem = last.rpartition(".")[0] or last
    match = _PREFIX.fullmatch(stem)
    return folder + slash + (stem if match is None else match[1])
