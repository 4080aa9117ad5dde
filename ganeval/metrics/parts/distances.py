"""Squared distances between rows: quick ones with an error bound, and exact ones.

Blocks of |x|^2 + |y|^2 - 2 x.y in float32 decide almost everything. Where their error leaves a
decision open, mostly in ties, the distance is computed again as the sum of (x - y)^2 in float64. So
every decision agrees with the direct computation in float64, at the cost of a matrix product in
float32.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from ganeval.machine.resources import DEFAULT, Resources, in_order

Rows = npt.NDArray[np.float32]
Distances = npt.NDArray[np.float64]
Indices = npt.NDArray[np.integer]
Sums = npt.NDArray[np.uint64]

BLOCK = 1024  # rows of a block; a tile of distances between two blocks fits the processor's cache
_PAIRS = 64  # pairs whose differences are held at a time, for the same reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Rows ready for distances.

    Attributes:
        rows: float32 [n, d].
        centre: float32 [d], subtracted so that a common offset costs no digits.
        scale: A power of two by which rows are multiplied, so that no square leaves float32.
        norms: Norms of the centred rows, float64 [n].
        groups: int [n]; rows of the same group are identical, so their distance is 0.
        room: Bytes of centred blocks that may be kept.
    """

    rows: Rows
    centre: Rows
    scale: float
    norms: Distances
    groups: Indices
    room: int
    _kept: dict[int, Rows] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.rows)

    def starts(self, begin: int = 0) -> range:
        """Return where the blocks from `begin` on start."""
        return range(begin, len(self), BLOCK)

    def block(self, start: int) -> Rows:
        """Return the centred and scaled rows of a block, float32 [at most BLOCK, d]."""
        block = self._kept.get(start)
        if block is None:
            scale = np.float32(self.scale)
            block = self.rows[start : start + BLOCK] * scale
            block -= self.centre * scale
            if (len(self._kept) + 1) * block.nbytes <= self.room:
                self._kept[start] = block
        return block

    def half_squares(self, start: int) -> Rows:
        """Return half the squared norms of a block, scaled, float32 [at most BLOCK]."""
        norms = self.norms[start : start + BLOCK] * self.scale
        return (norms * norms / 2).astype(np.float32)


def on_common_centre(
    sample: Rows, reference: Rows, resources: Resources = DEFAULT
) -> tuple[Points, Points]:
    """Return both sides as points around the mean of the reference, groups shared between them."""
    first, second = _points((sample, reference), reference, resources)
    return first, second


def on_own_centre(rows: Rows, resources: Resources = DEFAULT) -> Points:
    """Return rows as points around their mean."""
    return _points((rows,), rows, resources)[0]


def _points(sides: tuple[Rows, ...], central: Rows, resources: Resources) -> list[Points]:
    """Return all sides as points around the mean of `central`."""
    centre = central.mean(axis=0, dtype=np.float64).astype(np.float32)
    measured = [_measure(rows, centre, resources) for rows in sides]
    groups = _groups(sides, [sums for _, sums in measured])
    farthest = max(float(norms.max()) for norms, _ in measured)
    scale = 2.0 ** -np.frexp(farthest)[1] if farthest else 1.0
    return [
        Points(
            rows=rows,
            centre=centre,
            scale=float(scale),
            norms=norms,
            groups=own_groups,
            room=resources.memory // (4 * len(sides)),
        )
        for rows, (norms, _), own_groups in zip(sides, measured, groups, strict=True)
    ]


def _measure(rows: Rows, centre: Rows, resources: Resources) -> tuple[Distances, Sums]:
    """Return the norms of the centred rows, and a sum of each row that equal rows share."""
    starts = range(0, len(rows), BLOCK)
    measured = list(in_order(partial(_measure_block, rows, centre), starts, resources))
    norms, sums = zip(*measured, strict=True)
    return np.concatenate(norms), np.concatenate(sums)


def _measure_block(rows: Rows, centre: Rows, start: int) -> tuple[Distances, Sums]:
    """Return norms and sums of a block; the sums add up bits, so they have no rounding."""
    rows = rows[start : start + BLOCK]
    block = rows - centre.astype(np.float64)
    sums = np.ascontiguousarray(rows).view(np.uint32).sum(axis=1, dtype=np.uint64)
    return np.sqrt(np.einsum("ij,ij->i", block, block)), sums


def _groups(sides: Sequence[Rows], sums: Sequence[Sums]) -> list[Indices]:
    """Return a number for each row of each side, the same for identical rows only."""
    _, numbers, counts = np.unique(np.concatenate(sums), return_inverse=True, return_counts=True)
    groups: list[Indices] = np.split(numbers, np.cumsum([len(side) for side in sides])[:-1])
    identities: dict[bytes, int] = {}
    for rows, own in zip(sides, groups, strict=True):
        for index in np.flatnonzero(counts[own] > 1):
            identity = blake2b(rows[index].tobytes(), digest_size=16).digest()
            own[index] = len(counts) + identities.setdefault(identity, len(identities))
    return groups


class _Scratch(threading.local):
    """Memory for a tile in each thread; mapping it for each tile would take a twelfth more time."""

    def __init__(self) -> None:
        self.tile = np.empty(BLOCK * BLOCK, np.float32)


_scratch = _Scratch()


def tile(centres: Points, points: Points, start: int, other: int) -> Rows:
    """Return the squared distances between a block of centres and one of points.

    float32 [at most BLOCK, at most BLOCK], in units of 1 / scale^2; their error is at most
    `error_unit` times the squared sum of the norms. The thread's next tile takes its place.
    """
    block, others = centres.block(start), points.block(other)
    shape = len(block), len(others)
    squared = _scratch.tile[: shape[0] * shape[1]].reshape(shape)
    np.matmul(block, others.T, out=squared)
    squared -= centres.half_squares(start)[:, None]
    squared -= points.half_squares(other)
    squared *= -2.0
    return squared


def entries(inside: npt.NDArray[np.bool_]) -> tuple[Indices, Indices]:
    """Return the rows, ascending, and columns of true entries; fast if they are few."""
    rows, columns = np.divmod(np.flatnonzero(inside), inside.shape[1])
    return rows, columns


def error_unit(width: int) -> float:
    """Return the error of a squared distance of `tile` in units of (|x| + |y|)^2.

    A product has an error of at most width u |x| |y| in any order of summation (Higham, "Accuracy
    and Stability of Numerical Algorithms", section 3.1) where u = epsilon / 2, and |x| |y| is at
    most a quarter of the unit. Centring and the norms add 1 u each, the two sums at most 2.5 u; the
    direct computation that it is compared with has an error far below one u.
    """
    rounding = (width / 2 + 8) * float(np.finfo(np.float32).eps) / 2
    return rounding / (1 - 2 * rounding)


def limits_of(points: Points, squared: Distances) -> Rows:
    """Return squared distances in the units of a tile, rounded upwards, float32."""
    # Values that underflow in float32 are far below the constant; the largest square is 1.
    scaled = squared * points.scale**2 + 2.0**-100
    return np.nextafter(scaled.astype(np.float32), np.float32(np.inf))


def direct(
    centres: Points,
    points: Points,
    centre_indices: Indices,
    point_indices: Indices,
    resources: Resources = DEFAULT,
) -> Distances:
    """Return sum (x - y)^2 for pairs of a centre and a point, float64 [number of pairs]."""
    squared = np.zeros(len(centre_indices))
    distinct = np.flatnonzero(centres.groups[centre_indices] != points.groups[point_indices])
    parts = [distinct[start : start + BLOCK] for start in range(0, len(distinct), BLOCK)]

    def compute(pairs: Indices) -> None:
        for start in range(0, len(pairs), _PAIRS):
            some = pairs[start : start + _PAIRS]
            difference = centres.rows[centre_indices[some]].astype(np.float64)
            difference -= points.rows[point_indices[some]]
            np.square(difference, out=difference)
            squared[some] = difference.sum(axis=1)

    for _ in in_order(compute, parts, resources):
        pass
    return squared


def strips(
    points: Points, chosen: Indices, memory: int
) -> Iterator[tuple[Indices, Distances, Distances]]:
    """Yield float64 squared distances from some points to all, a strip at a time.

    Args:
        points: All points.
        chosen: Indices of the points to start from.
        memory: Bytes for the distances, and for decisions on them, held at a time.

    Yields:
        Indices of b points; their squared distances, float64 [b, n]; an error bound for each row,
        float64 [b, 1].
    """
    height = max(1, memory // (32 * len(points)))
    centre, squares = points.centre.astype(np.float64), points.norms**2
    unit = (2 * points.rows.shape[1] + 16) * float(np.finfo(np.float64).eps)
    for first in range(0, len(chosen), height):
        strip = chosen[first : first + height]
        block = points.rows[strip] - centre
        squared = np.empty((len(strip), len(points)))
        for start in points.starts():
            part = squared[:, start : start + BLOCK]
            np.matmul(block, (points.rows[start : start + BLOCK] - centre).T, out=part)
            part *= -2.0
            part += squares[strip, None]
            part += squares[start : start + BLOCK]
        yield strip, squared, unit * (points.norms[strip, None] + points.norms.max()) ** 2
