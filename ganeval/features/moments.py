"""Mean and centred scatter in float64, and their merging (Chan, Golub and LeVeque 1979)."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, mean and centred scatter of feature rows.

    Attributes:
        num: Number of rows.
        mean: float64 [d].
        scatter: float64 [d, d], the sum of (x - mean)(x - mean)^T over the rows.
    """

    num: int
    mean: npt.NDArray[np.float64]
    scatter: npt.NDArray[np.float64]

    @classmethod
    def of(cls, rows: npt.NDArray[np.floating]) -> "Moments":
        """Return the moments of `rows`, float [n, d] with n >= 1."""
        rows = rows.astype(np.float64)
        mean = rows.mean(axis=0)
        rows -= mean
        # Because the mean is rounded, the columns do not sum to exactly zero. Chan's correction
        # removes what this adds to the scatter.
        residual = rows.sum(axis=0)
        scatter = rows.T @ rows - np.outer(residual, residual) / len(rows)
        return cls(len(rows), mean, scatter)

    def merge(self, other: "Moments") -> "Moments":
        """Return the moments of both sets of rows together.

        Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample
        variances" (1979), equation 2.1.
        """
        num = self.num + other.num
        delta = other.mean - self.mean
        mean = self.mean + delta * (other.num / num)
        scatter = self.scatter + other.scatter
        scatter += np.outer(delta, delta * (self.num * other.num / num))
        return Moments(num, mean, scatter)

    def covariance(self, *, ddof: int = 1) -> npt.NDArray[np.float64]:
        """Return the covariance, float64 [d, d], divided by `num - ddof`."""
        return self.scatter / (self.num - ddof)


def merge_all(parts: Iterable[Moments]) -> Moments:
    """Merge moments in the given order, so that the same parts give the same bits."""
    iterator = iter(parts)
    total = next(iterator)
    for part in iterator:
        total = total.merge(part)
    return total
