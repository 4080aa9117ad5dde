"""What each image adds to a score, and the standard errors that follow from it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

# Of the second order, which is all that is left for equal distributions: below this part of it an
# estimate of the variance is noise. In simulation the standard error was then within 10 % of the
# spread.
FLOOR = 0.8
# Degrees of freedom from which an error is taken for known: its quantiles differ by 1 % at most.
MANY_DEGREES = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Influence:
    """The first-order change of a score with the weight of each image.

    The score of N images differs from its expectation by about the mean of these values over the
    images (Hampel, "The Influence Curve and its Role in Robust Estimation", JASA 1974), so its
    variance is Var(sample) / N + Var(reference) / M.

    A unit is an image; where images are not independent a cluster of them, and where no image has
    an influence a block of them or a stored part. In two dimensions [partitions, units] the
    variance is the mean over random partitions into units.

    Attributes:
        sample: float64 [units] in the order of the sample's images, with mean 0. Where the error is
            that of disjoint blocks, [partitions, blocks]: their scores less the mean of each
            partition; they hold the noise of the reference too.
        reference: float64 [units], of the reference; None where it is no random draw or not needed.
        remainder: float64 [partitions, 4] where the score was extrapolated: the scores of the four
            parts of each partition, less what the first order says of them.
    """

    sample: Values
    reference: Values | None = None
    remainder: Values | None = None

    @property
    def se(self) -> float:
        """The standard error of the score, to first order."""
        return float(np.sqrt(self._variance()))

    @property
    def extrapolated_se(self) -> float:
        """The standard error of the score once it is extrapolated; see `extrapolated_variance`."""
        assert self.remainder is not None
        return float(np.sqrt(extrapolated_variance(self._variance(), self.remainder)))

    @property
    def num_that_count(self) -> float:
        """How many units the variance rests on: (sum w)^2 / sum w^2 of their parts w in it.

        Kish, "Survey Sampling" (1965), section 8.2: the effective number for unequal weights.
        """
        sides = [self.sample] if self.reference is None else [self.sample, self.reference]
        parts = np.abs(np.concatenate([side.ravel() / side.shape[-1] for side in sides]))
        largest = float(parts.max(initial=0.0))
        if largest == 0:
            return 0.0
        parts = (parts / largest) ** 2  # of which the squares neither overflow nor vanish
        return float(parts.sum()) ** 2 / float(parts @ parts)

    @property
    def df(self) -> float | None:
        """The degrees of freedom of the standard errors; see `degrees`."""
        return degrees([self.sample] if self.reference is None else [self.sample, self.reference])

    def _variance(self) -> float:
        """Return the variance of the first order; a single image tells of none."""
        sides = [self.sample] if self.reference is None else [self.sample, self.reference]
        return sum(mean_variance(side) for side in sides if side.shape[-1] > 1)


def mean_variance(values: Values) -> float:
    """Return the variance of the mean of independent units, float64 [units].

    Of [partitions, units] it is the mean over the partitions.
    """
    return float(np.mean(values.var(axis=-1, ddof=1))) / int(values.shape[-1])


def degrees(sides: Sequence[Values]) -> float | None:
    """Return the degrees of freedom of the sum of the variances of several means.

    Few where much of it is that of few units, such as stored parts; None where the normal law
    serves. Satterthwaite, "An Approximate Distribution of Estimates of Variance Components",
    Biometrics Bulletin 1946.

    Args:
        sides: Independent units of each mean, float64 [units].
    """
    parts = [(mean_variance(side), side.shape[-1] - 1) for side in sides if side.shape[-1] > 1]
    total = sum(variance for variance, _ in parts)
    rest = sum(variance**2 / df for variance, df in parts)
    found = total**2 / rest if rest > 0 else MANY_DEGREES
    return found if found < MANY_DEGREES else None


def extrapolated_variance(first_order: float, remainder: Values) -> float:
    """Return the variance of a score, or of a difference, that halves and quarters extrapolate.

    Let T be the variance of the second order of the estimate that uses every pair of images. The
    influences of finitely many images hold 2 T, and what the parts of a partition leave of the
    first order varies by 8 T between them, since both are centred on the mean of all images. The
    average over P partitions has T (1 + 3 / P), because one partition uses fewer pairs. So the
    variance is that of the influences and (3 / P - 1) T; docs/derivations.md has the algebra.

    Args:
        first_order: The variance of the influences.
        remainder: See `Influence`, float64 [partitions, 4] or [4].
    """
    rest = np.atleast_2d(remainder)
    second_order = float(np.mean(rest.var(axis=-1, ddof=1))) / 8
    extra = 3 / len(rest)
    return max(first_order + (extra - 1) * second_order, FLOOR * (1 + extra) * second_order)
