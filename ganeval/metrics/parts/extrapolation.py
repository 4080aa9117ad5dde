"""From the scores of halves and quarters to the score of infinitely many images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.integer]
Values = npt.NDArray[np.float64]

HALVES = ((0, 1), (2, 3))  # of which quarters
NUM_PARTITIONS = 8  # over which extrapolations are averaged where that costs little


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


@dataclass(frozen=True, slots=True)
class Extrapolation:
    """A score of all images, and of the halves and quarters of random partitions of them.

    Attributes:
        whole: F_N.
        halves: F of N / 2 images, float64 [partitions, 2].
        quarters: F of N / 4 images, float64 [partitions, 4].
    """

    whole: float
    halves: Values
    quarters: Values

    @property
    def value(self) -> float:
        """The score without the terms a/N + b/N^2 of its bias: (8 F_N - 6 F_N/2 + F_N/4) / 3.

        Richardson's extrapolation in 1/N, averaged over the partitions. What is linear in the
        images is the same in all three means, so it stays as it is.
        """
        half, quarter = self.halves.mean(), self.quarters.mean()
        return float((8 * self.whole - 6 * half + quarter) / 3)

    def remainder(self, *sides: tuple[Values, Sequence[Sequence[Indices]]]) -> Values:
        """Return the scores of the quarters less what the first order says of them.

        Args:
            *sides: Influences of a side's images, and the indices of its quarters in each
                partition.

        Returns:
            float64 [partitions, 4].
        """
        rest = np.array(self.quarters)
        for influence, partitions in sides:
            rest -= [[float(influence[part].mean()) for part in parts] for parts in partitions]
        return rest


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
