"""The neighbours of both sides and their near pairs, which four scores share."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ganeval.features.derived import Arrays, Summary
from ganeval.machine.resources import Resources
from ganeval.metrics.base import Role, rows_of
from ganeval.metrics.parts.blocks import Blocks, Counts, blocks_of, counts_within, num_near
from ganeval.metrics.parts.distances import (
    Points,
    on_common_centre,
    on_own_centre,
)
from ganeval.metrics.parts.nearest import Nearest, nearest
from ganeval.metrics.parts.pairs import Pairs, near_pairs, pairs_within

_COMMON_K = 5  # every k up to this one searches the same number of neighbours, and shares them
_PAIR_FIELDS = ("centres", "points", "squared")
_PAIR_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """Both sides with their nearest neighbours and the pairs between them.

    Attributes:
        sides: The points of each side, around a common centre.
        near: For each point, the nearest other points of its own side.
        pairs: For each side, pairs of its centres and points of the other side that are as near as
            the last of these; missing for a side with too many pairs to keep.
        noun: Plural noun of the items in messages.
        resources: Memory and threads.
    """

    sides: Mapping[Role, Points]
    near: Mapping[Role, Nearest]
    pairs: Mapping[Role, Pairs]
    noun: str
    resources: Resources

    def blocks(self, rng: np.random.Generator | None) -> dict[Role, Blocks]:
        """Deal both sides into blocks, see `blocks_of`; without a stream there is one block.

        The reference is dealt first, so samples of any size meet the same blocks of it.
        """
        roles: tuple[Role, Role] = ("reference", "sample")
        return {role: blocks_of(len(self.sides[role]), rng) for role in roles}

    def counts_within(
        self, role: Role, k: int, blocks: Mapping[Role, Blocks], *, closed: bool
    ) -> tuple[Counts, Counts]:
        """Count memberships in the balls of a side, for each block of both sides on its own."""
        return counts_within(
            self.sides[role],
            self.sides[_other(role)],
            self.near[role],
            self._pairs(role),
            blocks=(blocks[role], blocks[_other(role)]),
            k=k,
            closed=closed,
            resources=self.resources,
        )

    def _pairs(self, role: Role) -> Iterator[Pairs]:
        """Return the pairs with centres of a side."""
        if role in self.pairs:
            return self.pairs[role].cut()
        reaches = self.near[role].squared[:, -1]
        return pairs_within(self.sides[role], self.sides[_other(role)], reaches, self.resources)


def neighbourhood(summaries: Mapping[Role, Summary], k: int, *, in_blocks: bool) -> Neighbourhood:
    """Return the neighbourhood of both sides, wide enough for k-th neighbours, also in blocks."""
    sample, reference = summaries["sample"], summaries["reference"]
    num = num_near(max(k, _COMMON_K)) if in_blocks else max(k, _COMMON_K)
    near: dict[Role, Nearest] = {
        "sample": _nearest(sample, num),
        "reference": _nearest(reference, num),
    }
    # This comes first, because it makes its own points, which are as large as the features.
    arrays = sample.derived(
        NearPairs(reference, *(near[role].squared.shape[1] for role in ("sample", "reference")))
    )
    points = on_common_centre(rows_of(sample), rows_of(reference), sample.resources)
    sides: dict[Role, Points] = {"sample": points[0], "reference": points[1]}
    pairs = {role: _unpacked(role, arrays) for role in sides if f"{role} squared" in arrays}
    return Neighbourhood(
        sides=sides, near=near, pairs=pairs, noun=sample.noun, resources=sample.resources
    )


@dataclass(frozen=True, slots=True)
class NearestOthers:
    """The nearest other items of the same source, for each item.

    Attributes:
        num: Number of neighbours.
    """

    version: ClassVar[int] = 1
    keep: ClassVar[bool] = True
    num: int

    def __call__(self, summary: Summary) -> Arrays:
        """Return `indices` int [items, num] and `squared` distances float64 [items, num]."""
        points = on_own_centre(rows_of(summary), summary.resources)
        found = nearest(points, self.num, summary.resources)
        return {"indices": found.indices, "squared": found.squared}


def _nearest(summary: Summary, num: int) -> Nearest:
    """Return this many neighbours for each point of a side, or all others."""
    assert summary.num is not None
    arrays = summary.derived(NearestOthers(min(num, summary.num - 1)))
    return Nearest(arrays["indices"], arrays["squared"])


@dataclass(frozen=True, slots=True, eq=False)
class NearPairs:
    """The pairs between a sample and a reference that are as near as the neighbours of either.

    Attributes:
        reference: The reference.
        num_of_sample: Number of neighbours up to which balls of the sample reach.
        num_of_reference: The same for the reference.
    """

    version: ClassVar[int] = 1
    keep: ClassVar[bool] = False
    reference: Summary
    num_of_sample: int
    num_of_reference: int

    def __call__(self, summary: Summary) -> Arrays:
        """Return the pairs of each side, unless they take too much of the memory."""
        resources = summary.resources
        sample, reference = on_common_centre(
            rows_of(summary), rows_of(self.reference), summary.resources
        )
        of_sample = summary.derived(NearestOthers(self.num_of_sample))["squared"]
        of_reference = self.reference.derived(NearestOthers(self.num_of_reference))["squared"]
        kept: dict[Role, list[Pairs]] = {"reference": [], "sample": []}
        room = dict.fromkeys(kept, resources.memory // 8)
        for tile in near_pairs(reference, sample, of_reference[:, -1], of_sample[:, -1], resources):
            for role, pairs in zip(("reference", "sample"), tile, strict=True):
                if role in kept:
                    kept[role].append(pairs)
                    room[role] -= 2 * _PAIR_BYTES * len(pairs)
                    if room[role] < 0:
                        del kept[role]
            if not kept:
                return {}
        return {name: array for role in kept for name, array in _packed(role, kept[role]).items()}


def _packed(role: Role, parts: list[Pairs]) -> dict[str, npt.NDArray[Any]]:
    """Return the pairs of several tiles together, as arrays with names."""
    return {
        f"{role} {name}": np.concatenate([getattr(part, name) for part in parts])
        for name in _PAIR_FIELDS
    }


def _unpacked(role: Role, arrays: Arrays) -> Pairs:
    """Undo `_packed`."""
    return Pairs(*(arrays[f"{role} {name}"] for name in _PAIR_FIELDS))


def _other(role: Role) -> Role:
    """Return the other side."""
    return "sample" if role == "reference" else "reference"
