"""What precision, recall, density and coverage share: both sides' neighbours, and near pairs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ganeval.features.derived import Arrays, Summary
from ganeval.machine.resources import Resources
from ganeval.metrics.base import Role, rows_of
from ganeval.metrics.parts.distances import (
    Distances,
    Indices,
    Points,
    on_common_centre,
    on_own_centre,
)
from ganeval.metrics.parts.jackknife import WithoutGroups, num_near, without_groups
from ganeval.metrics.parts.nearest import Nearest, nearest
from ganeval.metrics.parts.pairs import Pairs, memberships, near_pairs, pairs_within

_COMMON_K = 5  # up to which all k look for the same number of neighbours, and share them
_PAIR_FIELDS = ("centres", "points", "squared")
_PAIR_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """Both sides with their nearest neighbours and the pairs between them.

    Attributes:
        sides: The points of each side, around a common centre.
        near: The nearest other points of its own side, of each point.
        pairs: Of centres of a side and points of the other, as near as the last of these; None
            where they are too many to be kept.
        noun: What messages call the items.
        resources: Memory and threads.
    """

    sides: Mapping[Role, Points]
    near: Mapping[Role, Nearest]
    pairs: Mapping[Role, Pairs] | None
    noun: str
    resources: Resources

    def radii(self, role: Role, k: int) -> Distances:
        """Return the squared distance of each point of a side to its k-th neighbour there."""
        return self.near[role].squared[:, k - 1]

    def memberships(self, role: Role, k: int, *, closed: bool) -> tuple[Indices, Indices]:
        """Count in how many balls of a side each point of the other lies, and what each holds."""
        return memberships(
            self.sides[role],
            self.radii(role, k),
            self.sides[_other(role)],
            closed=closed,
            pairs=self._pairs(role),
            resources=self.resources,
        )

    def without_groups(self, role: Role, k: int, groups: Mapping[Role, Indices]) -> WithoutGroups:
        """Count memberships in the balls of a side, for each group that is left out."""
        return without_groups(
            self.sides[role],
            self.sides[_other(role)],
            self.near[role],
            self._pairs(role),
            centre_groups=groups[role],
            point_groups=groups[_other(role)],
            k=k,
            resources=self.resources,
        )

    def _pairs(self, role: Role) -> Iterator[Pairs]:
        """Return the pairs with centres of a side."""
        if self.pairs is not None:
            return self.pairs[role].cut()
        reaches = self.near[role].squared[:, -1]
        return pairs_within(self.sides[role], self.sides[_other(role)], reaches, self.resources)


def neighbourhood(summaries: Mapping[Role, Summary], k: int) -> Neighbourhood:
    """Return the neighbourhood of both sides that serves the k-th neighbours."""
    sample, reference = summaries["sample"], summaries["reference"]
    near: dict[Role, Nearest] = {"sample": _nearest(sample, k), "reference": _nearest(reference, k)}
    # First, because it makes points of its own, which are as large as the features.
    arrays = sample.derived(
        NearPairs(reference, *(near[role].squared.shape[1] for role in ("sample", "reference")))
    )
    points = on_common_centre(rows_of(sample), rows_of(reference), sample.resources)
    sides: dict[Role, Points] = {"sample": points[0], "reference": points[1]}
    pairs: dict[Role, Pairs] | None = None
    if arrays:
        pairs = {"sample": _unpacked("sample", arrays), "reference": _unpacked("reference", arrays)}
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


def _nearest(summary: Summary, k: int) -> Nearest:
    """Return the neighbours of a side up to the k-th, and those that a jackknife may need."""
    assert summary.num is not None
    num = min(num_near(max(k, _COMMON_K)), summary.num - 1)
    arrays = summary.derived(NearestOthers(num))
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
        """Return the pairs of both sides, or nothing if they take more than a part of memory."""
        resources = summary.resources
        sample, reference = on_common_centre(
            rows_of(summary), rows_of(self.reference), summary.resources
        )
        of_sample = summary.derived(NearestOthers(self.num_of_sample))["squared"]
        of_reference = self.reference.derived(NearestOthers(self.num_of_reference))["squared"]
        forth: list[Pairs] = []
        back: list[Pairs] = []
        room = resources.memory // 4
        tiles = near_pairs(reference, sample, of_reference[:, -1], of_sample[:, -1], resources)
        for with_reference, with_sample in tiles:
            forth.append(with_reference)
            back.append(with_sample)
            room -= 2 * _PAIR_BYTES * (len(with_reference) + len(with_sample))
            if room < 0:
                return {}
        return {**_packed("reference", forth), **_packed("sample", back)}


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
