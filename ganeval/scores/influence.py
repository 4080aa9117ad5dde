"""What each image adds to a score, and the standard errors that follow from it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

# Degrees of freedom from which an error counts as known: its quantiles differ by at most 1 %.
MANY_DEGREES = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Influence:
    """The first-order change of a score with the weight of each image.

    The score of N images differs from its expectation by about the mean of these values over the
    images (Hampel, "The Influence Curve and its Role in Robust Estimation", JASA 1974), so its
    variance is Var(sample) / N + Var(reference) / M.

    A unit is an image, or a cluster if images are not independent, or a block or a stored part if
    single images have no influence. With two dimensions [partitions, units], the variance is the
    mean over random partitions into units.

    Attributes:
        sample: float64 [units] in the order of the sample's images, with mean 0. For errors from
            disjoint blocks, [partitions, blocks]: their scores minus the mean of each partition;
            these contain the noise of the reference too.
        reference: float64 [units] for the reference; None if it is not a random draw or not needed.
    """

    sample: Values
    reference: Values | None = None

    @property
    def se(self) -> float:
        """The standard error of the score, to first order."""
        return float(np.sqrt(self._variance()))

    @property
    def num_that_count(self) -> float:
        """The effective number of units: (sum w)^2 / sum w^2 of their parts w of the variance.

        Kish, "Survey Sampling" (1965), section 8.2: the effective number for unequal weights.
        """
        sides = [self.sample] if self.reference is None else [self.sample, self.reference]
        parts = np.abs(np.concatenate([side.ravel() / side.shape[-1] for side in sides]))
        largest = float(parts.max(initial=0.0))
        if largest == 0:
            return 0.0
        parts = (parts / largest) ** 2  # so that squares neither overflow nor vanish
        return float(parts.sum()) ** 2 / float(parts @ parts)

    @property
    def df(self) -> float | None:
        """The degrees of freedom of the standard errors; see `degrees`."""
        return degrees([self.sample] if self.reference is None else [self.sample, self.reference])

    def _variance(self) -> float:
        """Return the first-order variance; a single image has none."""
        sides = [self.sample] if self.reference is None else [self.sample, self.reference]
        return sum(mean_variance(side) for side in sides if side.shape[-1] > 1)


def mean_variance(values: Values) -> float:
    """Return the variance of the mean of independent units, float64 [units].

    For [partitions, units] it is the mean over the partitions.
    """
    return float(np.mean(values.var(axis=-1, ddof=1))) / int(values.shape[-1])


def degrees(sides: Sequence[Values]) -> float | None:
    """Return the degrees of freedom of the sum of the variances of several means.

    They are few if much of the variance comes from few units, such as stored parts or some images
    with huge features. None means that the normal distribution is good enough. The variance of n
    units with kurtosis k has the relative variance (k - 1 + 2 / (n - 1)) / n, so its degrees of
    freedom are 2 divided by that (O'Neill, "Some Useful Moment Results in Sampling Problems", Am.
    Stat. 2014); here they are at most n - 1, since the kurtosis of few units does not prove a light
    tail. For the sum: Satterthwaite, "An Approximate Distribution of Estimates of Variance
    Components", Biometrics Bulletin 1946.

    Args:
        sides: Independent units of each mean, float64 [units].
    """
    parts = [(mean_variance(side), _degrees_of(side)) for side in sides if side.shape[-1] > 1]
    total = sum(variance for variance, _ in parts)
    if total == 0:
        return None
    found = 1 / sum((variance / total) ** 2 / df for variance, df in parts)
    return found if found < MANY_DEGREES else None


def _degrees_of(units: Values) -> float:
    """Return the degrees of freedom of the variance of one mean; see `degrees`."""
    num = units.shape[-1]
    squares = (units - units.mean(axis=-1, keepdims=True)) ** 2
    largest = float(squares.max())
    if largest == 0:
        return float(num - 1)
    squares = squares / largest  # so that squares do not overflow
    kurtosis = float(np.mean(squares**2)) / float(np.mean(squares)) ** 2
    return float(min(2 * num / (kurtosis - 1 + 2 / (num - 1)), num - 1))
