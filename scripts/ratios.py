"""Two means over training runs, compared as a ratio."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.stats

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of two means.

    Attributes:
        value: The ratio.
        low: Lower end of its 95 % interval.
        high: Upper end.
        p_value: Two-sided, of the hypothesis that it is 1.
    """

    value: float
    low: float
    high: float
    p_value: float


def ratio(first: Values, second: Values) -> Ratio:
    """Return the ratio of two means over runs, of positive numbers, at least two of each.

    The delta method on the logarithm, var log m = s^2 / (n m^2), with the degrees of freedom of
    Welch and Satterthwaite.
    """
    parts = [(scipy.stats.sem(one) / np.mean(one)) ** 2 for one in (first, second)]
    freedom = sum(parts) ** 2 / sum(
        part**2 / (len(one) - 1) for part, one in zip(parts, (first, second), strict=True)
    )
    error, middle = sum(parts) ** 0.5, float(np.mean(first) / np.mean(second))
    half = scipy.stats.t.ppf(0.975, freedom) * error
    return Ratio(
        value=middle,
        low=float(middle * np.exp(-half)),
        high=float(middle * np.exp(half)),
        p_value=float(2 * scipy.stats.t.sf(abs(np.log(middle)) / error, freedom)),
    )
