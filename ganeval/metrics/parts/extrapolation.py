"""Extrapolate from the scores of halves and quarters to infinitely many images."""

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.integer]
Values = npt.NDArray[np.float64]

FOURTHS = tuple((at,) for at in range(4))
HALVES = tuple(itertools.combinations(range(4), 2))  # every two quarters


def interval_of_infinitely_many(noun: str) -> dict[str, str]:
    """Return the caution of a score with such an interval; `noun` names its items."""
    fact = f"the interval refers to infinitely many {noun}"
    return {fact: "it may not contain the value, which is biased"}


def note_of_interval(noun: str) -> str:
    """Return the note of a score with such a standard error and interval."""
    return f"se and interval refer to infinitely many {noun}, around the value without its bias"


def quarters(num: int, rng: np.random.Generator) -> tuple[Indices, ...]:
    """Return the indices of four random parts of `num` rows, each in ascending order.

    They are random because the parts must be exchangeable, and names are often sorted by class.
    """
    return tuple(np.sort(part) for part in np.array_split(rng.permutation(num), 4))


def extrapolated(whole: float, halves: Sequence[float], fourths: Sequence[float]) -> float:
    """Return a score without the terms a/N + b/N^2 of its bias: (8 F_N - 6 F_N/2 + F_N/4) / 3.

    Richardson's extrapolation in 1/N. Terms that are linear in the images are the same in all three
    means, so they stay unchanged. Of the pairs of images, only those in different quarters remain,
    all with one weight, so the variance of the second order is 4/3 times that of all pairs. Two
    halves alone would leave pairs with weights of both signs, and 4 times that variance
    (docs/derivations.md).

    Args:
        whole: F_N.
        halves: F of N / 2 images, for every two of the quarters; see `HALVES`.
        fourths: F of N / 4 images, for each of four random quarters.
    """
    return (8 * whole - 6 * float(np.mean(halves)) + float(np.mean(fourths))) / 3


def intercept_of_line(x: Values, y: Values) -> tuple[float, float]:
    """Return the value at 0 of the least-squares line, and its standard error.

    Args:
        x: float64 [n], at least 3 different values.
        y: float64 [n].
    """
    centred = x - x.mean()
    spread = float(centred @ centred)
    slope = float(centred @ y) / spread
    intercept = float(y.mean()) - slope * float(x.mean())
    residuals = y - intercept - slope * x
    variance = float(residuals @ residuals) / (len(x) - 2)
    return intercept, float(np.sqrt(variance * (1 / len(x) + float(x.mean()) ** 2 / spread)))
