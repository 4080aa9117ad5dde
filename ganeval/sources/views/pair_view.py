"""A source of pairs, however they were chosen."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from ganeval.errors import InputError, one_line
from ganeval.sources.arrays.pixels import numbers
from ganeval.sources.base import Content, Item, Pair, Source, SourceInfo, plural

Places = npt.NDArray[np.int64]
"""Which pairs there are, [N, 2]: the indices of the first and the second item."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairView:
    """Pairs of items of two sources, or of one.

    Attributes:
        info: Facts about it.
        one: Where the first item of each pair is.
        other: Where the second one is; maybe the same source.
        places: Which pairs there are.
        title: Pairs are called by this and their number if their items have no names of their own;
            None: by the names of both items.
    """

    info: SourceInfo
    one: Source
    other: Source
    places: Places
    title: str | None = None

    def __len__(self) -> int:
        return len(self.places)

    def load(self, indices: Sequence[int]) -> list[Item]:
        """Read and hash both items of the pairs at `indices`; see `Source.load`.

        A pair's digest is made from the digests of both items, in order.
        """
        chosen = self.places[np.asarray(indices, np.int64)].tolist()
        first = sorted({pair[0] for pair in chosen})
        second = sorted({pair[1] for pair in chosen})
        if self.one is self.other:  # read an item of several pairs once
            first = second = sorted({*first, *second})
        loaded = dict(zip(first, self.one.load(first), strict=True))
        others = loaded
        if self.one is not self.other:
            others = dict(zip(second, self.other.load(second), strict=True))
        return [
            self._item(index, loaded[place], others[other_place])
            for index, (place, other_place) in zip(indices, chosen, strict=True)
        ]

    def unusable(self) -> Mapping[int, str]:
        """Return the pairs with an item that cannot be used, and why."""
        first = self.one.unusable()
        second = first if self.one is self.other else self.other.unusable()
        if not first and not second:
            return {}
        reasons = [first.get(pair[0], second.get(pair[1])) for pair in self.places.tolist()]
        return {index: reason for index, reason in enumerate(reasons) if reason is not None}

    def names(self) -> Sequence[str]:
        """Return the names of both, `a/1.png | a/1.jpg`, or numbers."""
        return (
            numbers(len(self))
            if self.title is not None
            else self._both(self.one.names(), self.other.names())
        )

    def labels(self) -> tuple[str, ...] | None:
        """Return the class of each pair, `cat | dog` if they differ; None if a source has none."""
        one, other = self.one.labels(), self.other.labels()
        return None if one is None or other is None else self._both(one, other, same=True)

    def _both(
        self, one: Sequence[str], other: Sequence[str], *, same: bool = False
    ) -> tuple[str, ...]:
        """Return the texts of both items of each pair, only one if both are the `same`."""
        pairs = [(one[place], other[other_place]) for place, other_place in self.places.tolist()]
        return tuple(
            first if same and first == second else f"{first} | {second}" for first, second in pairs
        )

    def _item(self, index: int, one: Item, other: Item) -> Item:
        """Return a pair."""
        name = f"{one.name} | {other.name}" if self.title is None else f"{self.title}[{index}]"
        digest = hashlib.sha256(b"pair\n" + one.digest + other.digest).digest()
        return Item(name, digest, partial(_content, name, one, other))


def pair_content(one: SourceInfo, other: SourceInfo) -> str:
    """Return what a pair of items of two sources is; see `SourceInfo.content`."""
    if one.content == other.content:
        return f"pair of {plural(one.content)}"
    return f"pair of {one.content} and {other.content}"


def _content(name: str, one: Item, other: Item) -> Pair:
    """Decode both.

    Raises:
        InputError: One of them cannot be used; the message says which.
    """
    contents: list[Content] = []
    for which, item in (("first", one), ("second", other)):
        try:
            contents.append(item.content())
        except InputError as error:
            reason = error.found.removeprefix(one_line(item.name)).removeprefix(": ").strip()
            raise type(error)(
                f"{name}: the {which} cannot be used: {reason}", error.needed, error.remedy
            ) from error
    return Pair(*contents)
