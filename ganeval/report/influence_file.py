"""The influence of each image on each score, in a safetensors file beside a report."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ganeval.errors import InputError
from ganeval.report.beside import Beside, Entry
from ganeval.scores.influence import Influence
from ganeval.scores.row import Key

INFLUENCES = Beside(name="influence", what="influence values")
_FIELDS = ("sample", "reference")
_OLDER = ("remainder",)  # entries in files of older versions that are not needed today


def packed(influences: Mapping[Key, Influence], digest: str) -> bytes:
    """Return the file's content; the same influences always give the same bytes.

    Args:
        influences: Influences by score.
        digest: Digest of the report's scores.
    """
    entries = {}
    for key, influence in influences.items():
        sides = {field: getattr(influence, field) for field in _FIELDS}
        given = {field: values for field, values in sides.items() if values is not None}
        entries[key] = Entry(tensors=given, said={})
    return INFLUENCES.packed(entries, digest)


def load_influences(path: Path, digest: str) -> dict[Key, Influence] | None:
    """Return the influences by score; None if the file belongs to other scores.

    Raises:
        InputError: The file is damaged.
        FileNotFoundError: There is none.
    """
    entries = INFLUENCES.load(path, digest)
    if entries is None:
        return None
    found = {}
    for key, entry in entries.items():
        values, wrong = entry.tensors, None
        if "sample" not in values or any(one.ndim not in (1, 2) for one in values.values()):
            wrong = "it has no influences"
        elif not all(np.isfinite(one).all() for one in values.values()):
            wrong = "a value is not finite"
        if wrong or not values.keys() <= {*_FIELDS, *_OLDER}:
            raise InputError(
                f"{path}: damaged ({wrong or 'it has other values too'})",
                "the influence values of the report beside it",
                "copy both files again, or make them again with -o RUN.json",
            )
        found[key] = Influence(sample=values["sample"], reference=values.get("reference"))
    return found
