"""Two sources of pictures together: paired by name or by index, or unpaired."""

import unicodedata
from collections.abc import Sequence

import numpy as np

import ganeval
from reference_models.data.contents import json_digest
from reference_models.data.fitted import Fitted
from reference_models.data.order import Indices
from reference_models.engine.words import listed


def partners_of(real: Fitted, condition: Fitted, *, by: str) -> Indices:
    """Return which picture of the second source belongs to each of the first, int64 [N].

    Args:
        real: The first source.
        condition: The second source.
        by: "name" pairs pictures with the same path within their sources, ignoring the suffix
            (`a/1.png` and `a/1.jpg`), as ganeval does. "index" pairs the first picture with the
            first, and so on.

    Raises:
        GanevalError: Some pictures have no partner, or a name occurs twice.
    """
    num, other = len(real.source), len(condition.source)
    if by == "index":
        if num != other:
            raise ganeval.GanevalError(
                f"{real.text} has {num:,} pictures, {condition.text} {other:,}",
                "the same number in both, for pairs by index",
                "correct the sources, or pair by name (--set pair_by=name)",
            )
        return np.arange(num)
    places, others = _places(real), _places(condition)
    alone = [
        f"{len(missing):,} of {fitted.text} ({listed(missing)})"
        for fitted, missing in (
            (real, [name for name in places if name not in others]),
            (condition, [name for name in others if name not in places]),
        )
        if missing
    ]
    if alone:
        raise ganeval.GanevalError(
            f"pictures without a partner: {' and '.join(alone)}",
            "pictures with the same names in both sources, apart from their suffixes",
            "add or remove pictures, use --set pair_by=index if both sources have the same order, "
            "or use --set pair_by=none for no pairs",
        )
    return np.array([others[name] for name in places], np.int64)


def pairs_digest(real: str, condition: str, partners: Indices | None) -> str:
    """Return the hex SHA-256 of two data sets' digests and of their pairing."""
    order = None if partners is None else partners.tolist()
    return json_digest({"real": real, "condition": condition, "partners": order})


def _places(fitted: Fitted) -> dict[str, int]:
    """Return the index of each name of a source, without the suffix of pictures.

    Raises:
        GanevalError: Two names are the same.
    """
    names: Sequence[str] = fitted.source.names()
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        key = unicodedata.normalize("NFC", name.rpartition(".")[0] or name)
        if key in places:
            raise ganeval.GanevalError(
                f"{fitted.text}: '{names[places[key]]}' and '{name}' differ only in their suffix",
                "names that differ without their suffixes, for pairs by name",
                "rename or remove one of them, or use --set pair_by=index",
            )
        places[key] = place
    return places
