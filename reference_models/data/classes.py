"""The classes of a source's pictures: the source's own classes, or its folders."""

import logging
import unicodedata
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import ganeval

logger = logging.getLogger("ganeval.training.data")


@dataclass(frozen=True, slots=True, eq=False)
class Classes:
    """The classes of pictures.

    Attributes:
        names: Names of the classes, sorted; by value if all of them are numbers.
        labels: int64 [N], the index of each picture's class in `names`.
    """

    names: tuple[str, ...]
    labels: npt.NDArray[np.int64]


def classes_of(source: Any, *, location: str) -> Classes | None:
    """Return the classes of a source; None if there are none.

    They are the source's own classes (`targets` of a data set, `labels` of an array,
    `labels=folders`). Without these they are the top-level folders, in the order of torchvision's
    `ImageFolder`, if every picture is in one of at least two folders.
    """
    try:
        labels = source.labels()
    except ganeval.GanevalError as error:
        logger.warning("%s: trained without classes (%s)", location, error)
        return None
    if labels is None:
        labels = _folders(source.names())
    if labels is None:
        return None
    are_numbers = all(label.isdecimal() for label in labels)
    # Numbers are ordered by value; the text decides the order of "1" and "01".
    names = tuple(sorted(set(labels), key=lambda name: (int(name) if are_numbers else 0, name)))
    places = {name: place for place, name in enumerate(names)}
    return Classes(names, np.array([places[label] for label in labels], np.int64))


def _folders(names: Any) -> list[str] | None:
    """Return the first folder in each name; None if the folders are not classes."""
    folders = [name.partition("/") for name in names]
    if not all(slash for _, slash, _ in folders) or len({first for first, _, _ in folders}) < 2:
        return None
    return [unicodedata.normalize("NFC", first) for first, _, _ in folders]
