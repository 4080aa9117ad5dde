"""Find pairs of points that are near each other, and decide which lie within a radius."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
import numpy.typing as npt

from ganeval.machine.resources import DEFAULT, Resources, in_order
from ganeval.metrics.parts.distances import (
    BLOCK,
    Distances,
    Indices,
    Points,
    Rows,
    direct,
    entries,
    error_unit,
    limits_of,
    tile,
)

_PART = 2**18  # pairs that are decided at a time


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of a centre and a point.

    Attributes:
        centres: Index of the centre, int32 [pairs].
        points: Index of the point, int32 [pairs].
        squared: Their squared distance, rounded, float64 [pairs].
    """

    centres: npt.NDArray[np.int32]
    points: npt.NDArray[np.int32]
    squared: Distances

    def __len__(self) -> int:
        return len(self.squared)

    def where(self, chosen: npt.NDArray[np.bool_] | Indices) -> "Pairs":
        """Return some of the pairs, by a mask or by their indices."""
        return Pairs(self.centres[chosen], self.points[chosen], self.squared[chosen])

    def cut(self) -> Iterator["Pairs"]:
        """Yield the pairs a part at a time, so that deciding on them takes little memory."""
        for start in range(0, len(self), _PART):
            part = slice(start, start + _PART)
            yield Pairs(self.centres[part], self.points[part], self.squared[part])


def near_pairs(
    centres: Points,
    points: Points,
    reaches: Distances,
    point_reaches: Distances | None = None,
    resources: Resources = DEFAULT,
) -> Iterator[tuple[Pairs, Pairs]]:
    """Yield all pairs of a centre and a point within the centre's reach, a tile of them at a time.

    Args:
        centres: One side.
        points: The other.
        reaches: Squared reaches of the centres, float64 [centres].
        point_reaches: Squared reaches of the points, float64 [points]; if given, the same products
            also yield the pairs within reach of the points, as centres.
        resources: Memory and threads.

    Yields:
        Pairs within reach of the centres, and pairs within reach of the points (none without
        `point_reaches`). Some pairs are a little farther.
    """
    limits = _limits(centres, points, reaches)
    back = None if point_reaches is None else _limits(points, centres, point_reaches)
    tiles = list(product(centres.starts(), points.starts()))
    return in_order(partial(_near, centres, points, limits, back), tiles, resources)


def pairs_within(
    centres: Points, points: Points, reaches: Distances, resources: Resources = DEFAULT
) -> Iterator[Pairs]:
    """Yield all pairs within the centres' reaches, float64 [centres], and some a little farther."""
    for pairs, _ in near_pairs(centres, points, reaches, resources=resources):
        yield from pairs.cut()


def _limits(centres: Points, points: Points, reaches: Distances) -> Rows:
    """Return the largest rounded distance of pairs within reach, in the units of a tile.

    A point farther from the common centre than the norm and the reach together is out of reach, so
    one outlier does not spoil the bound for all.
    """
    unit = error_unit(centres.rows.shape[1])
    farthest = np.minimum(points.norms.max(), centres.norms + np.sqrt(reaches))
    return limits_of(centres, reaches + unit * (centres.norms + farthest) ** 2)


def _near(
    centres: Points, points: Points, limits: Rows, back: Rows | None, at: tuple[int, int]
) -> tuple[Pairs, Pairs]:
    """Return the pairs of one tile."""
    start, other = at
    squared = tile(centres, points, start, other)
    unit = 1 / centres.scale**2
    forth = entries(squared <= limits[start : start + BLOCK, None])
    found = _pairs(start + forth[0], other + forth[1], squared[forth], unit)
    if back is None:
        return found, _pairs(forth[0][:0], forth[1][:0], squared[:0, 0], unit)
    rows, columns = entries(squared <= back[other : other + BLOCK])
    return found, _pairs(other + columns, start + rows, squared[rows, columns], unit)


def _pairs(centres: Indices, points: Indices, squared: Rows, unit: float) -> Pairs:
    """Return pairs whose squared distances are in units of a tile."""
    exact = squared.astype(np.float64)
    exact *= unit
    return Pairs(centres.astype(np.int32), points.astype(np.int32), exact)


class Judged:
    """Pairs whose distances are made exact where a decision needs it, once for all decisions.

    Attributes:
        pairs: The pairs; distances that were made exact stay so.
    """

    def __init__(
        self, centres: Points, points: Points, pairs: Pairs, resources: Resources = DEFAULT
    ) -> None:
        self.pairs = Pairs(pairs.centres, pairs.points, pairs.squared.copy())
        norms = centres.norms[pairs.centres] + points.norms[pairs.points]
        self._error = error_unit(centres.rows.shape[1]) * norms**2 + 2.0**-100 / centres.scale**2
        self._exact = partial(direct, centres, points, resources=resources)

    def near(self, radii: Distances) -> Indices:
        """Return which pairs are within the centres' radii, and some a little farther."""
        surplus = self.pairs.squared - radii[self.pairs.centres]
        return np.flatnonzero(surplus <= self._error)

    def inside(self, some: Indices, radii: Distances, *, closed: bool) -> Pairs:
        """Return the pairs whose point lies in the ball of the centre, by exact distances.

        Args:
            some: Which pairs to look at.
            radii: Squared radii, float64 [centres].
            closed: Whether a point on the rim is inside.
        """
        rims = radii[self.pairs.centres[some]]
        squared = self.pairs.squared[some]
        at = np.flatnonzero(np.abs(squared - rims) <= self._error[some])
        undecided = some[at]
        squared[at] = self._exact(self.pairs.centres[undecided], self.pairs.points[undecided])
        self.pairs.squared[undecided] = squared[at]
        self._error[undecided] = 0.0
        return self.pairs.where(some[squared <= rims if closed else squared < rims])


def memberships(
    centres: Points,
    radii: Distances,
    points: Points,
    *,
    pairs: Iterable[Pairs],
    closed: bool,
    resources: Resources = DEFAULT,
) -> tuple[Indices, Indices]:
    """Count the points in balls, and the balls around points.

    Args:
        centres: Centres of the balls.
        radii: Squared radii, float64 [len(centres)].
        points: The points.
        pairs: All pairs within the radii, and maybe more; see `pairs_within`.
        closed: Whether a point on the rim is inside.
        resources: Memory and threads.

    Returns:
        Number of balls each point lies in, int [len(points)]; number of points in each ball,
        int [len(centres)].
    """
    balls = np.zeros(len(points), dtype=np.intp)
    held = np.zeros(len(centres), dtype=np.intp)
    for some in pairs:
        judged = Judged(centres, points, some, resources)
        inside = judged.inside(judged.near(radii), radii, closed=closed)
        balls += np.bincount(inside.points, minlength=len(points))
        held += np.bincount(inside.centres, minlength=len(centres))
    return balls, held
