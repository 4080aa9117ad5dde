"""Several training runs of one recipe: their values, and the difference between two recipes.

One checkpoint says only something about itself: another training run of the same code gives another
generator. If each side has several runs, the unit of inference is the run, and the error is
Student's t over the runs. The images are nested in the runs, so the spread between runs contains
their noise, and no mixed model is needed for a difference of means of runs with equal numbers of
images.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ganeval.scores.difference import ALPHA, Difference, with_error
from ganeval.scores.differences import BIAS_LEFT, ROUGH_BIAS_LEFT, without_bias
from ganeval.scores.power import Variances, degrees_at, quantile
from ganeval.scores.row import ScoreRow

NO_SPREAD = "all training runs have one value, which does not show how much another would differ"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunValues:
    """One score of several training runs.

    Attributes:
        values: Values of the runs, without their bias if that can be removed.
        removed: Bias that was removed from each value.
        rough: Whether the removal is only rough, because there are few images.
    """

    values: tuple[float, ...]
    removed: tuple[float, ...]
    rough: bool = False

    @classmethod
    def of(cls, rows: Sequence[ScoreRow]) -> "RunValues | None":
        """Return the values of the runs of one score; None if a bias cannot be removed."""
        if rows[0].kind.bias in ("none", "depends-on-numbers"):
            return cls(values=tuple(row.value for row in rows), removed=(0.0,) * len(rows))
        found = [one for one in map(without_bias, rows) if one is not None]
        if len(found) < len(rows):
            return None
        values, removed, rough = zip(*found, strict=True)
        return cls(values=values, removed=removed, rough=any(rough))

    @property
    def mean(self) -> float:
        """Mean of the values."""
        return float(np.mean(self.values))

    @property
    def variance(self) -> float:
        """Variance between the runs; 0 for a single one."""
        return float(np.var(self.values, ddof=1)) if len(self.values) > 1 else 0.0


def difference_of_runs(
    first: Difference, ones: RunValues, others: RunValues, *, weight: float = 1.0
) -> Difference:
    """Return the difference between the means of two groups of training runs.

    Welch's t ("The generalization of Student's problem when several different population variances
    are involved", Biometrika 1947) is used if both sides have several runs. If one side has a
    single run, its variance is assumed to equal that of the other side (the pooled t). The variance
    from the reference's images is known from many images, the variance from the runs from few runs:
    the t quantile is the mean of both quantiles, weighted by these variances (Cochran, "Approximate
    Significance Levels of the Behrens-Fisher Test", Biometrics 1964). Satterthwaite's degrees of
    freedom are not used for
    that: two runs that are alike by luck would give hundreds, and false alarms in 13 % of cases.

    Args:
        first: The difference between the first runs of both sides, for the facts about the sides,
            and for the variance from the reference's images, which all runs share.
        ones: The runs of the one side.
        others: The runs of the other side; at least one side has two runs.
        weight: Factor of the other mean, as for `first`.

    Returns:
        The difference; without error ("none") if no run differs from the others of its side, for
        example if a fraction is 0 in all of them.
    """
    if ones.variance + others.variance == 0:
        return replace(first, method="none", notes=(NO_SPREAD, *first.notes))
    nums = len(ones.values), len(others.values)
    degrees = [num - 1 for num in nums]
    if min(nums) > 1:
        how = "Welch's t"
        own = [ones.variance / nums[0], weight**2 * others.variance / nums[1]]
    else:
        how = "a pooled t, since one side has a single run"
        both = (degrees[0] * ones.variance + degrees[1] * others.variance) / sum(degrees)
        own, degrees = [both / nums[0], weight**2 * both / nums[1]], [sum(degrees)] * 2
    shared, notes = first.variances.reference, first.notes
    if shared == 0 and first.roles:
        notes += ("the noise of the images that all runs are compared with is not in the error",)
    of_runs = sum(own)
    total = of_runs + shared
    if min(nums) > 1:
        parts = zip(own, degrees, strict=True)
        df = 1 / sum((one / of_runs) ** 2 / degree for one, degree in parts)
    else:
        df = float(degrees[0])
    if shared > 0:
        level = 1 - ALPHA / 2
        mean = (of_runs * quantile(level, df) + shared * quantile(level)) / total
        df = degrees_at(level, mean)
    runs = f"{nums[0]} and {nums[1]} training runs: error over runs by {how}"
    removed = float(np.mean(ones.removed) - weight * np.mean(others.removed))
    part = ROUGH_BIAS_LEFT if ones.rough or others.rough else BIAS_LEFT
    return with_error(
        replace(
            first,
            difference=ones.mean - weight * others.mean,
            values=(ones.mean, weight * others.mean),
            variances=Variances(one=own[0], other=own[1], reference=shared),
            df=df,
            grows=False,
            bias_left=part * abs(removed),
            excludes=not (ones.rough or others.rough),
            paired=False,
            method="runs",
            notes=(*notes, runs),
        )
    )
