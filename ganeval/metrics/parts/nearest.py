"""The nearest neighbours of points, among themselves or among others, exactly."""

from dataclasses import dataclass
from functools import partial

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
    strips,
    tile,
)

_SPARE = 32  # neighbours beyond the wanted ones, kept until rounding errors are resolved

Candidates = tuple[Indices, Indices, Rows]


@dataclass(frozen=True, slots=True)
class Nearest:
    """The nearest other points of each point.

    Attributes:
        indices: int32 [n, num], from the nearest on; identical points count, the point itself does
            not.
        squared: Their squared distances, float64 [n, num], equal to the direct computation.
    """

    indices: npt.NDArray[np.int32]
    squared: Distances


def nearest(points: Points, num: int, resources: Resources = DEFAULT) -> Nearest:
    """Return the `num` nearest other points of each point.

    Args:
        points: The points, more than `num`.
        num: From 1.
        resources: Memory and threads.
    """
    found = Nearest(np.empty((len(points), num), np.int32), np.zeros((len(points), num)))
    copied = np.bincount(points.groups)[points.groups] > num
    found.indices[copied] = _copies(points.groups, np.flatnonzero(copied), num)
    if not copied.all():
        table = _Table(len(points), min(num + _SPARE, len(points) - 1), copied)
        _fill(table, points, resources)
        open_rows = _settle(table, points, np.flatnonzero(~copied), found, resources)
        _search(points, open_rows, found, resources)
    return found


def _copies(groups: Indices, rows: Indices, num: int) -> Indices:
    """Return `num` points that are identical to each of some rows, [rows, num]."""
    order = np.argsort(groups, kind="stable")
    first = np.searchsorted(groups[order], groups[rows])
    copies = order[first[:, None] + np.arange(num + 1)]
    others = copies != rows[:, None]
    others[others.all(axis=1), -1] = False
    return np.asarray(copies[others].reshape(len(rows), num))


class _Table:
    """The nearest points that have been seen so far, of each point, with rounded distances.

    Attributes:
        squared: float32 [n, width], in no order, in the units of a tile.
        indices: int32 [n, width].
        limits: float32 [n]; only smaller distances matter.
    """

    def __init__(self, num: int, width: int, left_out: npt.NDArray[np.bool_]) -> None:
        self.squared = np.full((num, width), np.inf, np.float32)
        self.indices = np.full((num, width), -1, np.int32)
        self.limits = np.where(left_out, -np.inf, np.inf).astype(np.float32)
        self.width = width

    def merge(self, start: int, candidates: Candidates) -> None:
        """Take the candidates of a block: its rows in ascending order, points, distances."""
        rows, others, values = candidates
        if not len(rows):
            return
        touched, first, counts = np.unique(rows, return_index=True, return_counts=True)
        shape = (len(touched), int(counts.max()))
        place = np.arange(len(rows)) - np.repeat(first, counts)
        line = np.repeat(np.arange(len(touched)), counts)
        squared, indices = np.full(shape, np.inf, np.float32), np.full(shape, -1, np.int32)
        squared[line, place], indices[line, place] = values, others
        rows = start + touched
        squared = np.concatenate([self.squared[rows], squared], axis=1)
        indices = np.concatenate([self.indices[rows], indices], axis=1)
        kept = np.argpartition(squared, self.width - 1, axis=1)[:, : self.width]
        self.squared[rows] = np.take_along_axis(squared, kept, axis=1)
        self.indices[rows] = np.take_along_axis(indices, kept, axis=1)
        self.limits[rows] = self.squared[rows].max(axis=1)


def _fill(table: _Table, points: Points, resources: Resources) -> None:
    """Go through all pairs once: each block with itself first, which sets low limits."""
    starts = points.starts()
    pairs = [(start, start) for start in starts]
    pairs += [(start, other) for start in starts for other in points.starts(start + BLOCK)]
    found = in_order(partial(_candidates, table, points), pairs, resources)
    for (start, other), (forth, back) in zip(pairs, found, strict=True):
        table.merge(start, forth)
        if back is not None:
            table.merge(other, back)


def _candidates(
    table: _Table, points: Points, pair: tuple[int, int]
) -> tuple[Candidates, Candidates | None]:
    """Return the entries of a tile that may be among the nearest of its rows, or its columns.

    Another thread may lower the limits meanwhile; then more is returned than necessary.
    """
    start, other = pair
    squared = tile(points, points, start, other)
    if start != other:
        return _of_rows(table, squared, start, other), _of_columns(table, squared, start, other)
    np.fill_diagonal(squared, np.inf)
    if len(squared) <= table.width:
        return _of_rows(table, squared, start, start), None
    wanted = np.flatnonzero(table.limits[start : start + BLOCK] > 0)
    near = np.argpartition(squared[wanted], table.width - 1, axis=1)[:, : table.width]
    rows = np.repeat(wanted, table.width)
    return (rows, start + near.ravel(), squared[rows, near.ravel()]), None


def _of_rows(table: _Table, squared: Rows, start: int, other: int) -> Candidates:
    """Return the entries of a tile that do not exceed the limits of its rows."""
    limits = table.limits[start : start + len(squared)]
    rows, columns = entries(squared <= limits[:, None])
    return rows, other + columns, squared[rows, columns]


def _of_columns(table: _Table, squared: Rows, start: int, other: int) -> Candidates:
    """Return the entries of a tile that do not exceed the limits of its columns."""
    limits = table.limits[other : other + squared.shape[1]]
    rows, columns = entries(squared <= limits)
    order = np.argsort(columns, kind="stable")
    rows, columns = rows[order], columns[order]
    return columns, start + rows, squared[rows, columns]


def _settle(
    table: _Table, points: Points, rows: Indices, found: Nearest, resources: Resources
) -> Indices:
    """Put exact distances of the nearest of `rows` into `found`; return the rows left open.

    A row is left open if the table may lack a point that could be among the nearest.
    """
    num, scale = found.squared.shape[1], points.scale**2
    order = np.argsort(table.squared[rows], axis=1)
    squared = np.take_along_axis(table.squared[rows], order, axis=1).astype(np.float64) / scale
    indices = np.take_along_axis(table.indices[rows], order, axis=1)
    near = squared[:, num - 1]
    error = _error(points, rows, near, points.norms[indices[:, :num]].max(axis=1))
    wanted = squared <= (near + 2 * error)[:, None]
    has_all = ~wanted[:, -1] | (table.width == len(points) - 1)
    line, place = np.nonzero(wanted & has_all[:, None])
    exact = np.full(squared.shape, np.inf)
    exact[line, place] = direct(points, points, rows[line], indices[line, place], resources)
    _put(found, rows[has_all], indices[has_all], exact[has_all])
    return rows[~has_all]


def _error(points: Points, rows: Indices, near: Distances, kept: Distances) -> Distances:
    """Return an error bound for the distances of rows to all points that matter, float64.

    A point farther from the centre than |x| plus the distance to the last neighbour cannot be among
    the nearest, so one outlier does not spoil the bound for all.

    Args:
        points: All points.
        rows: Indices of the rows.
        near: The rounded squared distance to the last neighbour.
        kept: The largest norm among the neighbours.
    """
    unit, norms = error_unit(points.rows.shape[1]), points.norms[rows]
    tiny = 2.0**-100 / points.scale**2
    last = np.sqrt(np.maximum(near, 0) + unit * (norms + kept) ** 2 + tiny)
    farthest = np.minimum(points.norms.max(), norms + last)
    return np.asarray(unit * (norms + farthest) ** 2 + tiny)


def _put(found: Nearest, rows: Indices, indices: Indices, exact: Distances) -> None:
    """Store the nearest of some candidates, [rows, candidates]; among ties, the first indices."""
    order = np.lexsort((indices, exact), axis=1)[:, : found.squared.shape[1]]
    found.squared[rows] = np.take_along_axis(exact, order, axis=1)
    found.indices[rows] = np.take_along_axis(indices, order, axis=1)


def _search(points: Points, rows: Indices, found: Nearest, resources: Resources) -> None:
    """Put the nearest of `rows` into `found`, from products in float64 with all points."""
    num = found.squared.shape[1]
    for strip, squared, error in strips(points, rows, resources.memory // 4):
        squared[np.arange(len(strip)), strip] = np.inf
        near = np.partition(squared, num - 1, axis=1)[:, num - 1, None]
        row, column = np.nonzero(squared <= near + 2 * error)
        exact = direct(points, points, strip[row], column, resources)
        order = np.lexsort((column, exact, row))
        first = np.searchsorted(row, np.arange(len(strip)))
        chosen = order[first[:, None] + np.arange(num)]
        found.squared[strip], found.indices[strip] = exact[chosen], column[chosen]


def nearest_among(queries: Points, points: Points, resources: Resources = DEFAULT) -> Nearest:
    """Return the nearest of some points to each query; among ties, the first.

    Args:
        queries: Queries around the same centre as the points.
        points: Points to search, at least one.
        resources: Memory and threads.
    """
    indices = np.empty((len(queries), 1), np.int32)
    squared = np.empty((len(queries), 1))
    originals = np.zeros(len(points), bool)
    originals[np.unique(points.groups, return_index=True)[1]] = True
    candidates = partial(_nearest_of_block, queries, points, originals)
    blocks = in_order(candidates, queries.starts(), resources)
    for start, (rows, columns) in zip(queries.starts(), blocks, strict=True):
        exact = direct(queries, points, start + rows, columns, resources)
        order = np.lexsort((columns, exact, rows))
        first = order[np.searchsorted(rows[order], np.arange(rows[-1] + 1))]
        indices[start : start + len(first), 0] = columns[first]
        squared[start : start + len(first), 0] = exact[first]
    return Nearest(indices, squared)


def _nearest_of_block(
    queries: Points, points: Points, originals: npt.NDArray[np.bool_], start: int
) -> tuple[Indices, Indices]:
    """Return rows of a block of queries, ascending, and the points that may be nearest to them.

    Each distance has its own error bound, so an outlier does not spoil its block.

    Args:
        queries: All queries.
        points: Points to search.
        originals: bool [points], the first of each set of identical points.
        start: Where the block starts.
    """
    # The bounds are computed in float32 too; the added roundings cover that.
    unit = np.float32(error_unit(points.rows.shape[1]) + 8 * np.finfo(np.float32).eps)
    norms = (queries.norms[start : start + BLOCK, None] * queries.scale).astype(np.float32)
    limits = np.full(len(norms), np.inf, np.float32)
    found: list[tuple[Indices, Indices, Rows]] = []
    for other in points.starts():
        near = tile(queries, points, start, other)
        bounds = norms + (points.norms[other : other + BLOCK] * points.scale).astype(np.float32)
        np.square(bounds, out=bounds)
        bounds *= unit
        bounds += np.float32(2.0**-100)  # values that underflow in float32 are far below this
        limits = np.minimum(limits, (near + bounds).min(axis=1))  # no nearest point is farther
        near -= bounds
        near[:, ~originals[other : other + BLOCK]] = np.inf
        rows, columns = entries(near <= limits[:, None])
        found.append((rows, other + columns, near[rows, columns]))
    rows, columns, least = (np.concatenate(parts) for parts in zip(*found, strict=True))
    kept = least <= limits[rows]
    order = np.argsort(rows[kept], kind="stable")
    return rows[kept][order], columns[kept][order]
