"""What each image adds to a score, and the standard errors that follow from it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]


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
        """The standard error of the score."""
        return float(np.sqrt(self._variance()))

    @property
    def extrapolated_se(self) -> float:
        """The standard error of the score once it is extrapolated.

        What is left of the first order is, to second order, a quadratic form in the four parts'
        means. In (8 F_N - 6 F_N/2 + F_N/4) / 3 its diagonal cancels, and the six products of
        different parts add Var / 2, where the remainder of one part has the variance 2 Var.
        """
        assert self.remainder is not None
        return float(np.sqrt(self._variance() + mean_variance(self.remainder)))

    def _variance(self) -> float:
        """Return the variance of the first order; a single image tells of none."""
        sides = [self.sample] if self.reference is None else [self.sample, self.reference]
        return sum(mean_variance(side) for side in sides if side.shape[-1] > 1)


def mean_variance(values: Values) -> float:
    """Return the variance of the mean of independent units, float64 [units].

    Of [partitions, units] it is the mean over the partitions.
    """
    return float(np.mean(values.var(axis=-1, ddof=1))) / int(values.shape[-1])
