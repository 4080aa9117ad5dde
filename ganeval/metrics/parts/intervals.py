"""Intervals of fractions, means and distances."""

import math

from ganeval.scores.power import TOLD_APART, quantile

NORMAL = 1.96  # standard errors, two-sided at 95 %


def wilson(fraction: float, num: float, deviations: float = NORMAL) -> tuple[float, float]:
    """Return the 95 % interval of a probability from a fraction of `num` independent trials.

    Args:
        fraction: From 0 to 1.
        num: Number of trials, above 0; need not be whole if it stands for an error.
        deviations: Distance of an end in standard errors.
    """
    weight = deviations**2 / num
    centre = (fraction + weight / 2) / (1 + weight)
    half_width = (
        deviations / (1 + weight) * math.sqrt(fraction * (1 - fraction) / num + weight / (4 * num))
    )
    # At 0 and 1 an end is exactly 0 or 1, except for the last digit.
    low, high = min(centre - half_width, fraction), max(centre + half_width, fraction)
    return max(low, 0.0), min(high, 1.0)


def clopper_pearson(fraction: float, num: float) -> tuple[float, float]:
    """Return the interval of a probability that contains it in at least 95 % of samples.

    Args:
        fraction: From 0 to 1.
        num: Number of trials, above 0; need not be whole if it stands for an error.
    """
    import scipy.special  # takes a fifth of a second, and most scores have no such interval

    hits, misses = fraction * num, (1 - fraction) * num
    low = float(scipy.special.betaincinv(hits, misses + 1, 0.025)) if hits else 0.0
    high = float(scipy.special.betaincinv(hits + 1, misses, 0.975)) if misses else 1.0
    return low, high


def effective_number(fraction: float, num: int, se: float) -> float:
    """Return the number of independent trials that would give a fraction its standard error.

    It is at most `num`. Two trials of each outcome are added to the fraction, so that a fraction of
    0 or 1 has a number too (Agresti and Coull, "Approximate Is Better than Exact", Am. Stat. 1998).
    """
    added = (fraction * num + 2) / (num + 4)
    return num if se == 0 else min(num, added * (1 - added) / se**2)


def of_distance(value: float, se: float, df: float | None = None) -> tuple[float, float]:
    """Return the 95 % interval of a squared distance, which is not below 0.

    The variance of an estimated squared distance grows in proportion to the squared distance. So
    the upper end is the true value from which the estimate would be 1.96 of its own standard errors
    away, as in Wilson's interval of a fraction ("Probable Inference", JASA 1927); `value` + 1.96
    `se` would be too low too often. The lower end is `value` - 1.96 `se`, which errs on the careful
    side.

    Args:
        value: The estimate; chance may take it below 0.
        se: Its standard error.
        df: Its degrees of freedom, for Student's distribution instead of the normal one.
    """
    half_width = (NORMAL if df is None else quantile(0.975, df)) * se
    if half_width == 0:
        return value, value
    slant = half_width / (2 * max(value, TOLD_APART * se))
    high = value + half_width * (math.hypot(1.0, slant) + slant)
    return max(value - half_width, 0.0), max(high, half_width)
