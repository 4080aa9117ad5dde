"""What precision, recall, density and coverage share: both sides' neighbours, and near pairs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ganeval.features.derived import Arrays
from ganeval.metrics.base import Role, Summary
from ganeval.metrics.distances import (
    Distances,
    Indices,
    Points,
    Rows,
    on_common_centre,
    on_own_centre,
)
from ganeval.metrics.jackknife import WithoutGroups, num_near, without_groups
from ganeval.metrics.nearest import Nearest, nearest
from ganeval.metrics.pairs import Pairs, memberships, near_pairs, pairs_within
from ganeval.resources import Resources

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
        resources: Memory and threads.
    """

    sides: Mapping[Role, Points]
    near: Mapping[Role, Nearest]
    pairs: Mapping[Role, Pairs] | None
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


def neighbourhood(summaries: Mapping[Role, Summary], layer: str, k: int) -> Neighbourhood:
    """Return the neighbourhood of both sides that serves the k-th neighbours."""
    resources = summaries["sample"].resources
    near: dict[Role, Nearest] = {
        "sample": _nearest(summaries["sample"], layer, k),
        "reference": _nearest(summaries["reference"], layer, k),
    }
    points = on_common_centre(
        _rows(summaries["sample"], layer), _rows(summaries["reference"], layer), resources
    )
    sides: dict[Role, Points] = {"sample": points[0], "reference": points[1]}
    arrays = summaries["sample"].derived(
        layer,
        "near pairs",
        {"reference": summaries["reference"].key, **_extent(near)},
        lambda: _collect(sides, near, resources),
        keep=False,
    )
    pairs: dict[Role, Pairs] | None = None
    if arrays:
        pairs = {"sample": _unpacked("sample", arrays), "reference": _unpacked("reference", arrays)}
    return Neighbourhood(sides=sides, near=near, pairs=pairs, resources=resources)


def _nearest(summary: Summary, layer: str, k: int) -> Nearest:
    """Return the neighbours of a side up to the k-th, and those that a jackknife may need."""
    assert summary.num is not None
    num = min(num_near(max(k, _COMMON_K)), summary.num - 1)

    def compute() -> Arrays:
        points = on_own_centre(_rows(summary, layer), summary.resources)
        found = nearest(points, num, summary.resources)
        return {"indices": found.indices, "squared": found.squared}

    arrays = summary.derived(layer, "nearest", {"num": num}, compute)
    return Nearest(arrays["indices"], arrays["squared"])


def _rows(summary: Summary, layer: str) -> Rows:
    """Return the features of a side, which has them."""
    rows = summary.rows(layer)
    assert rows is not None
    return rows


def _extent(near: Mapping[Role, Nearest]) -> dict[str, int]:
    """Return how many neighbours pairs reach to."""
    return {role: side.squared.shape[1] for role, side in near.items()}


def _collect(
    sides: Mapping[Role, Points], near: Mapping[Role, Nearest], resources: Resources
) -> Arrays:
    """Return the pairs of both sides, or nothing if they take more than a part of the memory."""
    forth: list[Pairs] = []
    back: list[Pairs] = []
    room = resources.memory // 4
    for of_reference, of_sample in near_pairs(
        sides["reference"],
        sides["sample"],
        near["reference"].squared[:, -1],
        near["sample"].squared[:, -1],
        resources,
    ):
        forth.append(of_reference)
        back.append(of_sample)
        room -= 2 * _PAIR_BYTES * (len(of_reference) + len(of_sample))
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
