"""Squared distances between rows, and decisions about them that are exact.

Blocks of |x|^2 + |y|^2 - 2 x.y in float64 decide almost everything; what they cannot decide, ties
above all, is computed again as the sum of (x - y)^2. So every decision equals that of the direct
computation in float64, at the cost of a matrix product.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.float32]
Distances = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

MEMORY_BUDGET = 200_000_000  # bytes of distances and of what decides on them, held at a time
BLOCK = 1024  # rows made float64 at a time


@dataclass(frozen=True, slots=True)
class Points:
    """Rows ready for distances.

    Attributes:
        rows: float32 [n, d].
        centre: float64 [d], subtracted from both sides so that a common offset costs no digits.
        squared_norms: float64 [n], of the centred rows.
        groups: int [n]; rows of the same group are identical, so their distance is 0.
    """

    rows: Rows
    centre: npt.NDArray[np.float64]
    squared_norms: Distances
    groups: Indices

    def __len__(self) -> int:
        return len(self.rows)

    def centred(self, start: int, stop: int) -> Distances:
        """Return the centred rows from `start` to `stop`, float64 [stop - start, d]."""
        return np.asarray(self.rows[start:stop] - self.centre)


def on_common_centre(sample: Rows, reference: Rows) -> tuple[Points, Points]:
    """Return both sides as points around the mean of the reference, groups shared between them."""
    centre = reference.mean(axis=0, dtype=np.float64)
    identities: dict[bytes, int] = {}
    return _points(sample, centre, identities), _points(reference, centre, identities)


def _points(rows: Rows, centre: npt.NDArray[np.float64], identities: dict[bytes, int]) -> Points:
    """Return rows as points; `identities` numbers each distinct row and grows with new ones."""
    squared_norms, groups = np.empty(len(rows)), np.empty(len(rows), dtype=np.intp)
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK] - centre
        squared_norms[start : start + BLOCK] = np.einsum("ij,ij->i", block, block)
        for index in range(start, min(start + BLOCK, len(rows))):
            identity = blake2b(rows[index].tobytes(), digest_size=16).digest()
            groups[index] = identities.setdefault(identity, len(identities))
    return Points(rows, centre, squared_norms, groups)


def strips(
    centres: Points, points: Points, chosen: Indices
) -> Iterator[tuple[Indices, Distances, Distances]]:
    """Yield squared distances from some centres to all points, a strip of centres at a time.

    Args:
        centres: One side.
        points: The other.
        chosen: Indices of the centres to go through.

    Yields:
        Indices of b centres; their squared distances, float64 [b, len(points)]; a bound of the
        error in each row, float64 [b, 1].
    """
    height = max(1, MEMORY_BUDGET // (32 * len(points)))
    width = centres.rows.shape[1]
    farthest = np.sqrt(points.squared_norms.max())
    for first in range(0, len(chosen), height):
        strip = chosen[first : first + height]
        block = centres.rows[strip] - centres.centre
        norms = centres.squared_norms[strip, None]
        squared = np.empty((len(strip), len(points)))
        for start in range(0, len(points), BLOCK):
            stop = min(start + BLOCK, len(points))
            part = squared[:, start:stop]
            np.matmul(block, points.centred(start, stop).T, out=part)
            part *= -2.0
            part += norms
            part += points.squared_norms[start:stop]
        yield strip, squared, _error_bound(width) * (np.sqrt(norms) + farthest) ** 2


def _error_bound(width: int) -> float:
    """Return the error of a squared distance in units of (|x| + |y|)^2.

    Products and norms: at most width u each (Higham, "Accuracy and Stability of Numerical
    Algorithms", section 3.1) where u = epsilon / 2; centring, the sums and the direct computation
    that it is compared with: a few u, and width u. Doubled by using epsilon for u.
    """
    return (2 * width + 16) * float(np.finfo(np.float64).eps)


def direct(
    centres: Points, points: Points, centre_indices: Indices, point_indices: Indices
) -> Distances:
    """Return sum (x - y)^2 for pairs of a centre and a point, float64 [number of pairs]."""
    squared = np.zeros(len(centre_indices))
    distinct = np.flatnonzero(centres.groups[centre_indices] != points.groups[point_indices])
    for start in range(0, len(distinct), BLOCK):
        pairs = distinct[start : start + BLOCK]
        difference = centres.rows[centre_indices[pairs]].astype(np.float64)
        difference -= points.rows[point_indices[pairs]]
        squared[pairs] = (difference * difference).sum(axis=1)
    return squared


def squared_radii(points: Points, k: int) -> Distances:
    """Return each point's squared distance to its k-th nearest other point, float64 [n].

    Args:
        points: More than k of them.
        k: From 1; identical points count, a point itself does not.
    """
    radii = np.zeros(len(points))
    copies = np.bincount(points.groups)[points.groups]
    unsettled = np.flatnonzero(copies <= k)  # the others have k copies at distance 0
    for strip, squared, error in strips(points, points, unsettled):
        squared[np.arange(len(strip)), strip] = np.inf
        near = np.partition(squared, k - 1, axis=1)[:, k - 1, None]
        num_below = (squared < near - 2 * error).sum(axis=1)
        row, column = np.nonzero(np.abs(squared - near) <= 2 * error)
        exact = direct(points, points, strip[row], column)
        order = np.lexsort((exact, row))
        first = np.searchsorted(row, np.arange(len(strip)))
        radii[strip] = exact[order][first + k - 1 - num_below]
    return radii


def memberships(
    centres: Points, radii: Distances, points: Points, *, closed: bool
) -> tuple[Indices, Indices]:
    """Count which points lie in which balls.

    Args:
        centres: Centres of the balls.
        radii: Squared radii, float64 [len(centres)].
        points: The points.
        closed: Whether a point on the rim is inside.

    Returns:
        Number of balls each point lies in, int [len(points)]; number of points in each ball,
        int [len(centres)].
    """
    inside_balls = np.zeros(len(points), dtype=np.intp)
    held_points = np.zeros(len(centres), dtype=np.intp)
    compare = np.less_equal if closed else np.less
    for strip, squared, error in strips(centres, points, np.arange(len(centres))):
        rim = radii[strip, None]
        identical = centres.groups[strip, None] == points.groups
        squared[identical] = 0.0
        inside = compare(squared, rim)
        row, column = np.nonzero((np.abs(squared - rim) <= error) & ~identical)
        exact = direct(centres, points, strip[row], column)
        inside[row, column] = compare(exact, rim[row, 0])
        inside_balls += inside.sum(axis=0)
        held_points[strip] = inside.sum(axis=1)
    return inside_balls, held_points
