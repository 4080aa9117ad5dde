"""The variance of a score between training runs, and within a run between draws of images."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Components:
    """Where the variance of a score comes from: y[r, j] = mean + a[r] + e[r, j].

    The a of the training runs and the e of the draws from one run are independent, with mean 0.

    Attributes:
        mean: Mean of all draws.
        between: SD of a.
        between_interval: Its 95 % interval.
        within: SD of e.
        runs: The effect of each run, float64 [runs]: its mean less the mean of all, scaled so that
            their variance is that of a.
    """

    mean: float
    between: float
    between_interval: tuple[float, float]
    within: float
    runs: Values

    @classmethod
    def of(cls, values: Values) -> "Components":
        """Split the variance of a score, float64 [runs, draws], at least 2 of each.

        One-way random-effects analysis of variance: the mean square between R runs with J draws
        each has expectation J between^2 + within^2, that within runs has within^2 (Searle, Casella
        and McCulloch, "Variance Components", 1992, chapter 3). The interval takes the first to be
        chi-square with R - 1 degrees of freedom and the second to be exact, so it is a little too
        narrow where `between` is no larger than `within`. A variance below 0 is set to 0.
        """
        num_runs, num_draws = values.shape
        means = values.mean(axis=1)
        square_between = float(num_draws * means.var(ddof=1))
        square_within = float(values.var(axis=1, ddof=1).mean())
        freedom = num_runs - 1
        low, high = (
            freedom * square_between / float(stats.chi2.ppf(at, freedom)) for at in (0.975, 0.025)
        )
        between, least, most = (
            max(0.0, (square - square_within) / num_draws) ** 0.5
            for square in (square_between, low, high)
        )
        effects = means - means.mean()
        spread = effects.std(ddof=1)
        return cls(
            mean=float(values.mean()),
            between=between,
            between_interval=(least, most),
            within=square_within**0.5,
            runs=effects * (between / spread) if spread > 0 else effects,
        )
