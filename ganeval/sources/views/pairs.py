"""Pairs of two sources: by the names of their items, or by their numbers."""

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ganeval.audio.clip import SUFFIXES as SOUND_SUFFIXES
from ganeval.errors import InputError, one_line
from ganeval.images.picture import SUFFIXES
from ganeval.sources.base import Source, SourceInfo
from ganeval.sources.views.pair_view import PairView, pair_content

By = Literal["name", "index"]

_ENDINGS = (*SUFFIXES, *SOUND_SUFFIXES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """Which items of two sources belong together.

    Attributes:
        places: The indices of both items of each pair, in the order of the first source.
        only_one: The names of the items of the first source that have no partner.
        only_other: The same for the other source.
    """

    places: tuple[tuple[int, int], ...]
    only_one: tuple[str, ...] = ()
    only_other: tuple[str, ...] = ()

    @property
    def num(self) -> int:
        """The number of pairs."""
        return len(self.places)


def pair_up(one: Source, other: Source, *, by: By = "name") -> Pairing:
    """Find out which items of two sources belong together; nothing is decoded.

    Args:
        one: A source.
        other: Another.
        by: "name" pairs items of the same name within their sources, without the endings of
            pictures (`a/1.png` and `a/1.jpg`); the names of items of arrays are their numbers.
            "index" pairs the first with the first, the second with the second.

    Raises:
        InputError: A name occurs twice in a source; nothing pairs; or, by "index", the numbers of
            items differ.
    """
    if by == "index":
        if len(one) != len(other):
            raise InputError(
                f"{one.info.location} has {len(one):,} items, {other.info.location} {len(other):,}",
                "the same number in both, to pair them by their order",
                "correct the sources, or pair them by name",
            )
        return Pairing(places=tuple((index, index) for index in range(len(one))))
    names, other_names = one.names(), other.names()
    first = _by_key(names, one.info.location)
    second = _by_key(other_names, other.info.location)
    places = tuple((place, second[key]) for key, place in first.items() if key in second)
    if not places:
        raise InputError(
            f"{one.info.location} and {other.info.location}: no name is in both "
            f"(the first ones: '{names[0]}' and '{other_names[0]}')",
            "items of the same name, whatever their endings",
            "rename them, or add `--pair-by index` (in Python pair_by='index') if both are in the "
            "same order",
        )
    return Pairing(
        places=places,
        only_one=tuple(names[place] for key, place in first.items() if key not in second),
        only_other=tuple(other_names[place] for key, place in second.items() if key not in first),
    )


def _by_key(names: Sequence[str], location: str) -> dict[str, int]:
    """Return the place of each name, without its ending and in one spelling of its letters.

    Raises:
        InputError: Two are the same.
    """
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        stem, _, ending = name.rpartition(".")
        key = unicodedata.normalize("NFC", stem if ending.lower() in _ENDINGS else name)
        if key in places:
            twin = names[places[key]]
            both = f"'{twin}' twice" if twin == name else f"'{twin}' and '{name}'"
            raise InputError(
                f"{location}: {both}, which count as one name in a pair",
                "names that differ in more than their endings",
                "rename or remove one of them, or pair by index",
            )
        places[key] = place
    return places


def pairs_of(one: Source, other: Source, pairing: Pairing) -> PairView:
    """Return the pairs of two sources that `pair_up` has found, as a source."""
    settings = {f"one_{key}": value for key, value in one.info.settings.items()}
    settings |= {f"other_{key}": value for key, value in other.info.settings.items()}
    known = [one.info.fingerprint, other.info.fingerprint, pairing.places]
    return PairView(
        info=SourceInfo(
            kind="pairs",
            location=one_line(f"{one.info.location} | {other.info.location}"),
            count=pairing.num,
            content=pair_content(one.info, other.info),
            noun="pairs",
            settings=settings,
            fingerprint=hashlib.sha256(repr(known).encode()).hexdigest(),
        ),
        one=one,
        other=other,
        places=np.array(pairing.places, np.int64).reshape(-1, 2),
    )
