"""The moments of four random parts of a source, stored in place of its rows.

The spread between exchangeable parts estimates the error of a score without rows. Scores of halves,
joined from the parts, show the bias. So a statistics file keeps the moments of the parts too.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ganeval.features.moments import Moments, merge_all

NUM_PARTS = 4
FEWEST_ROWS = 2 * NUM_PARTS  # each part needs two rows for a scatter

_AT_ONCE = 1024
_NUM, _MEAN, _SCATTER = "ganeval_parts_num", "ganeval_parts_mean", "ganeval_parts_scatter"
KEYS = (_NUM, _MEAN, _SCATTER)
_LARGEST = 1e60  # far above any sum over features; squares of it are finite
_ROUNDING = 1e-8  # of the largest entry; a changed last bit in one of 9 float32 rows gives 2e-9
_NEGATIVE_EIGENVALUE = 1e-6  # relative to the largest entry


def moments_of(
    blocks: Iterable[npt.NDArray[np.floating]], rows: npt.NDArray[np.integer]
) -> Moments:
    """Return the moments of some rows of a source, holding few rows in memory at a time.

    Args:
        blocks: All rows in order, float [n, d] each.
        rows: Indices of the rows, ascending; at least one.
    """
    return merge_all(map(Moments.of, _chosen(blocks, rows)))


def _chosen(
    blocks: Iterable[npt.NDArray[np.floating]], rows: npt.NDArray[np.integer]
) -> Iterator[npt.NDArray[np.floating]]:
    """Yield the chosen rows, at least `_AT_ONCE` at a time, because each merge costs d^2."""
    start, waiting, num_waiting = 0, [], 0
    for block in blocks:
        stop = start + len(block)
        low, high = np.searchsorted(rows, (start, stop))
        waiting.append(block[rows[low:high] - start])
        num_waiting += high - low
        if num_waiting >= _AT_ONCE or (num_waiting and high == len(rows)):
            yield np.concatenate(waiting)
            waiting, num_waiting = [], 0
        start = stop


def pack(parts: Iterable[Moments], width: int) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays to store in a file, by their keys.

    Args:
        parts: `NUM_PARTS` moments, taken one at a time.
        width: Number of features d.

    Returns:
        The numbers of rows, int64 [4]; the means, float64 [4, d]; the upper triangles of the
        scatters row by row, float64 [4, d (d + 1) / 2].
    """
    arrays = {
        _NUM: np.empty(NUM_PARTS, np.int64),
        _MEAN: np.empty((NUM_PARTS, width)),
        _SCATTER: np.empty((NUM_PARTS, width * (width + 1) // 2)),
    }
    for at, part in enumerate(parts):
        arrays[_NUM][at] = part.num
        arrays[_MEAN][at] = part.mean
        np.concatenate([row[i:] for i, row in enumerate(part.scatter)], out=arrays[_SCATTER][at])
    return arrays


def unpack(
    arrays: Mapping[str, npt.NDArray[Any]], num: int | None, whole: Moments
) -> tuple[Moments, ...] | None:
    """Return the parts that `pack` wrote; None if there are none.

    Args:
        arrays: Arrays of the file.
        num: How many rows the whole has, if the file says it.
        whole: The moments of all rows; only their mean and covariance are looked at.

    Raises:
        ValueError: The parts are damaged, or do not belong to this whole.
    """
    missing = [key for key in KEYS if key not in arrays]
    if len(missing) == len(KEYS):
        return None
    if missing:
        raise ValueError(f"parts without {missing[0]}")
    width = len(whole.mean)
    for key, shape, dtype in (
        (_NUM, (NUM_PARTS,), np.int64),
        (_MEAN, (NUM_PARTS, width), np.float64),
        (_SCATTER, (NUM_PARTS, width * (width + 1) // 2), np.float64),
    ):
        if arrays[key].shape != shape or arrays[key].dtype != dtype:
            found = f"{arrays[key].dtype} {arrays[key].shape}"
            raise ValueError(f"{key} is {found}, not {np.dtype(dtype)} {shape}")
        if not (np.abs(arrays[key]) < _LARGEST).all():
            raise ValueError(f"{key} contains NaN, Infinity or values beyond {_LARGEST:g}")
    nums = arrays[_NUM].tolist()
    if sum(nums) != num or min(nums) < 2 or max(nums) - min(nums) > 1:
        raise ValueError(f"parts of {', '.join(map(str, nums))} rows, not the quarters of {num}")
    parts = []
    for part_num, mean, packed in zip(nums, arrays[_MEAN], arrays[_SCATTER], strict=True):
        scatter, start = np.empty((width, width)), 0
        for i in range(width):
            stop = start + width - i
            scatter[i, i:] = scatter[i:, i] = packed[start:stop]
            start = stop
        _check_scatter(scatter)
        parts.append(Moments(part_num, mean, scatter))
    _check_whole(merge_all(parts), whole)
    return tuple(parts)


def _check_scatter(scatter: npt.NDArray[np.float64]) -> None:
    """Refuse a matrix with an eigenvalue well below 0."""
    shifted = scatter.copy()
    np.fill_diagonal(
        shifted, scatter.diagonal() + _NEGATIVE_EIGENVALUE * (np.abs(scatter).max() or 1.0)
    )
    try:
        np.linalg.cholesky(shifted)
    except np.linalg.LinAlgError as error:
        raise ValueError("the scatter of a part has a negative eigenvalue") from error


def _check_whole(merged: Moments, whole: Moments) -> None:
    """Refuse parts that do not make up the whole, beyond rounding."""
    expected = whole.covariance()
    level, scale = float(np.abs(whole.mean).max()), float(np.abs(expected).max())
    of_mean = float(np.abs(merged.mean - whole.mean).max())
    of_covariance = float(np.abs(merged.covariance() - expected).max())
    if of_mean > _ROUNDING * (level + scale**0.5):
        raise ValueError(f"the mean of the parts differs from the whole's by {of_mean:.3g}")
    if of_covariance > _ROUNDING * scale:
        raise ValueError(
            f"the covariance of the parts differs from the whole's by {of_covariance:.3g}"
        )
