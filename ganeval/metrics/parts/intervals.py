"""Intervals of fractions and means whose error is known only roughly."""

import math
from functools import cache


def wilson(fraction: float, num: float, quantile: float = 1.96) -> tuple[float, float]:
    """Return the 95 % interval of a probability from a fraction of `num` independent trials.

    Args:
        fraction: From 0 to 1.
        num: Above 0; any number where it stands for an error.
        quantile: How many standard errors an end is away.
    """
    weight = quantile**2 / num
    centre = (fraction + weight / 2) / (1 + weight)
    half_width = (
        quantile / (1 + weight) * math.sqrt(fraction * (1 - fraction) / num + weight / (4 * num))
    )
    # At 0 and 1 an end is exactly there, but for the last digit.
    return min(centre - half_width, fraction), max(centre + half_width, fraction)


def effective_number(fraction: float, num: int, se: float) -> float:
    """Return the number of independent trials that would give a fraction its standard error.

    It is `num` at most. Two trials of each outcome are added to the fraction, so that one of 0 or 1
    has a number too (Agresti and Coull, "Approximate Is Better than Exact", Am. Stat. 1998).
    """
    added = (fraction * num + 2) / (num + 4)
    return num if se == 0 else min(num, added * (1 - added) / se**2)


@cache
def t_quantile(freedom: float) -> float:
    """Return the 97.5 % quantile of Student's t."""
    import scipy.special  # takes a fifth of a second, and most scores have no need of it

    return float(scipy.special.stdtrit(freedom, 0.975))
