"""Intervals of scores whose distribution is known."""

import math


def wilson(fraction: float, num: float) -> tuple[float, float]:
    """Return the 95 % interval of a probability from a fraction of `num` independent trials.

    That need be no whole number where it stands for dependent ones.
    """
    weight = 1.96**2 / num
    centre = (fraction + weight / 2) / (1 + weight)
    half_width = (
        1.96 / (1 + weight) * math.sqrt(fraction * (1 - fraction) / num + weight / (4 * num))
    )
    # At 0 and 1 an end is exactly there, but for the last digit.
    return min(centre - half_width, fraction), max(centre + half_width, fraction)
