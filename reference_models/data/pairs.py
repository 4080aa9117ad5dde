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
        real: The one source.
        condition: The other.
        by: "name" pairs pictures with the same path within their sources, apart from the suffix
            (`a/1.png` and `a/1.jpg`), as ganeval does. "index" pairs the first with the first.

    Raises:
        GanevalError: Some have no partner, or a name comes twice.
    """
    num, other = len(real.source), len(condition.source)
    if by == "index":
        if num != other:
            raise ganeval.GanevalError(
                f"{real.text} has {num:,} pictures, {condition.text} {other:,}",
                "the same number in both, for pairs by index",
                "correct the sources, or pair them by name (--set pair_by=name)",
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
            "a picture of the same name, apart from its suffix, in both sources",
            "add or remove them, or use --set pair_by=index if the orders agree, or pair_by=none "
            "for no pairs",
        )
    return np.array([others[name] for name in places], np.int64)


def pairs_digest(real: str, condition: str, partners: Indices | None) -> str:
    """Return the hex SHA-256 of two data, by their digests, and of how they are paired."""
    order = None if partners is None else partners.tolist()
    return json_digest({"real": real, "condition": condition, "partners": order})


def _places(fitted: Fitted) -> dict[str, int]:
    """Return the index of each name of a source, without the suffix of pictures.

    Raises:
        GanevalError: Two are the same.
    """
    names: Sequence[str] = fitted.source.names()
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        key = unicodedata.normalize("NFC", name.rpartition(".")[0] or name)
        if key in places:
            raise ganeval.GanevalError(
                f"{fitted.text}: '{names[places[key]]}' and '{name}' are one name for a pair",
                "names that differ in more than their suffixes",
                "rename or remove one of them, or --set pair_by=index",
            )
        places[key] = place
    return places
