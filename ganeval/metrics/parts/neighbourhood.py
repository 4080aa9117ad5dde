"""What precision, recall, density and coverage share: both sides' neighbours, and near pairs."""

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

_COMMON_K = 5  # up to which all k look for the same number of neighbours, and share them
_PAIR_FIELDS = ("centres", "points", "squared")
_PAIR_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """Both sides with their nearest neighbours and the pairs between them.

    Attributes:
        sides: The points of each side, around a common centre.
        near: The nearest other points of its own side, of each point.
        pairs: Of centres of a side and points of the other, as near as the last of these; without
            those of a side where they are too many to be kept.
        noun: What messages call the items.
        resources: Memory and threads.
    """

    sides: Mapping[Role, Points]
    near: Mapping[Role, Nearest]
    pairs: Mapping[Role, Pairs]
    noun: str
    resources: Resources

    def blocks(self, rng: np.random.Generator | None) -> dict[Role, Blocks]:
        """Deal both sides into blocks, see `blocks_of`; without a stream all are one block.

        The reference is dealt first, so samples of any numbers meet the same blocks of it.
        """
        roles: tuple[Role, Role] = ("reference", "sample")
        return {role: blocks_of(len(self.sides[role]), rng) for role in roles}

    def counts_within(
        self, role: Role, k: int, blocks: Mapping[Role, Blocks], *, closed: bool
    ) -> tuple[Counts, Counts]:
        """Count memberships in the balls of a side, each block of both sides by itself."""
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
    """Return the neighbourhood of both sides that serves the k-th neighbours, maybe of blocks."""
    sample, reference = summaries["sample"], summaries["reference"]
    num = num_near(max(k, _COMMON_K)) if in_blocks else max(k, _COMMON_K)
    near: dict[Role, Nearest] = {
        "sample": _nearest(sample, num),
        "reference": _nearest(reference, num),
    }
    # First, because it makes points of its own, which are as large as the features.
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
    """The nearest other items of the same source, of each item.

    Attributes:
        num: How many of them.
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
    """Return so many neighbours of a side, or all others."""
    assert summary.num is not None
    arrays = summary.derived(NearestOthers(min(num, summary.num - 1)))
    return Nearest(arrays["indices"], arrays["squared"])


@dataclass(frozen=True, slots=True, eq=False)
class NearPairs:
    """The pairs between a sample and a reference that are as near as the neighbours of either.

    Attributes:
        reference: The reference.
        num_of_sample: Number of neighbours up to which balls of the sample reach.
        num_of_reference: The same of the reference.
    """

    version: ClassVar[int] = 1
    keep: ClassVar[bool] = False
    reference: Summary
    num_of_sample: int
    num_of_reference: int

    def __call__(self, summary: Summary) -> Arrays:
        """Return the pairs of each side, unless they take more than a part of memory."""
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
    """Return what `_packed` has packed."""
    return Pairs(*(arrays[f"{role} {name}"] for name in _PAIR_FIELDS))


def _other(role: Role) -> Role:
    """Return the other side."""
    return "sample" if role == "reference" else "reference"
