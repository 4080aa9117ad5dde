"""From the scores of halves and quarters to the score of infinitely many images."""

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.integer]
Values = npt.NDArray[np.float64]

FOURTHS = tuple((at,) for at in range(4))
HALVES = tuple(itertools.combinations(range(4), 2))  # every two quarters


def interval_of_infinitely_many(noun: str) -> dict[str, str]:
    """Return the caution of a score with such an interval; `noun` is what its items are called."""
    fact = f"the interval is that of infinitely many {noun}"
    return {fact: "it need not hold the value, which is biased"}


def note_of_interval(noun: str) -> str:
    """Return the note of a score with such a standard error and interval."""
    return f"se and interval: of infinitely many {noun}, around the value without its bias"


def quarters(num: int, rng: np.random.Generator) -> tuple[Indices, ...]:
    """Return the indices of four random parts of `num` rows, each in ascending order.

    Random because the parts must be exchangeable, and names are often sorted by class.
    """
    return tuple(np.sort(part) for part in np.array_split(rng.permutation(num), 4))


def extrapolated(whole: float, halves: Sequence[float], fourths: Sequence[float]) -> float:
    """Return a score without the terms a/N + b/N^2 of its bias: (8 F_N - 6 F_N/2 + F_N/4) / 3.

    Richardson's extrapolation in 1/N. What is linear in the images is the same in all three means,
    so it stays as it is; of pairs of images those in different quarters are left, all with one
    weight, so the variance of the second order is 4/3 of that of all pairs. Two halves alone would
    leave pairs with weights of both signs, and 4 times that variance (docs/derivations.md).

    Args:
        whole: F_N.
        halves: F of N / 2 images: of every two of the quarters, see `HALVES`.
        fourths: F of N / 4 images: of each of four random quarters.
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
