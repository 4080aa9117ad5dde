"""The class of each item as text: from its folder, or from numbers beside the images.

Labels are text, because numbers given to a list of folders shift when one folder is missing.
"""

import sys
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np

from ganeval.errors import InputError


def folder_labels(names: Sequence[str], *, location: str) -> tuple[str, ...]:
    """Return the first folder in each name, `cat` of `cat/a/1.png`.

    Two encodings of the same letter (Unicode's NFC and NFD) count as equal.

    Raises:
        InputError: A picture lies in no folder. Or all lie in one folder that has several folders
            of its own: these may be the classes.
    """
    parts = [name.split("/") for name in names]
    loose = [name for name, path in zip(names, parts, strict=True) if len(path) == 1]
    if loose:
        more = f" and {len(loose) - 1:,} more" if len(loose) > 1 else ""
        raise InputError(
            f"{location}: '{loose[0]}'{more} without a folder, which would be the class",
            "a folder for each class, as in 'cat/0001.png'",
            "move the pictures into folders, or leave out labels=folders",
        )
    if len({path[0] for path in parts}) == 1 and min(map(len, parts)) > 2:
        inner = {path[1] for path in parts}
        if len(inner) > 1:
            raise InputError(
                f"{location}: all pictures in the one folder '{parts[0][0]}', with {len(inner):,} "
                "folders in it",
                "a folder for each class at the top",
                "name that folder itself, or make the archive again from within it",
            )
    return tuple(sys.intern(unicodedata.normalize("NFC", path[0])) for path in parts)


def array_labels(values: Any, *, num: int, name: str) -> tuple[str, ...]:
    """Return the labels that numbers or texts stand for.

    Args:
        values: A list, array or tensor: integers of at least 0, [N] or [N, 1]; texts [N]; or rows
            [N, C] of zeros with a single 1.
        num: Number of items.
        name: Its name in messages.

    Raises:
        InputError: It is none of these, or there are not `num` of them.
    """
    if hasattr(values, "detach"):  # a tensor; torch is not imported for other values
        values = values.detach().cpu()
    array = np.asarray(values)
    found = f"{name}: labels of type {array.dtype} and shape {list(array.shape)}"
    needed = f"{num:,} integers of at least 0, texts, or rows with a single 1 among zeros"
    if array.ndim not in (1, 2) or len(array) != num:
        raise InputError(found, needed, "correct them: one for each image, in the same order")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2:
        rows = array if array.dtype.kind in "biuf" else np.zeros((num, 0))
        if not (((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1) == 1).all()):
            raise InputError(found, needed, "correct the rows, or save the number of each class")
        array = rows.argmax(axis=1)
    if array.dtype.kind == "U":
        return tuple(sys.intern(unicodedata.normalize("NFC", str(text))) for text in array)
    if array.dtype.kind not in "iu":
        raise InputError(found, needed, "save them as integers: `labels.astype('int64')`")
    negative = np.flatnonzero(array < 0)
    if len(negative):
        raise InputError(
            f"{name}: label {array[negative[0]]} of image {negative[0]}",
            "integers of at least 0",
            "leave out the images without a class, or number their class",
        )
    return tuple(sys.intern(str(number)) for number in array.tolist())
