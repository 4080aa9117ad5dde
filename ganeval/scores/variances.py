"""The variance of a difference, from what each image adds to both scores."""

from dataclasses import replace

import numpy as np

from ganeval.scores.influence import (
    Influence,
    Values,
    degrees,
    extrapolated_variance,
    mean_variance,
)
from ganeval.scores.power import Variances


def times(influence: Influence, weight: float) -> Influence:
    """Return the influences on a multiple of a score."""
    if weight == 1:
        return influence
    rest = influence.reference, influence.remainder
    reference, remainder = (None if values is None else weight * values for values in rest)
    return Influence(sample=weight * influence.sample, reference=reference, remainder=remainder)


def of_reference(one: Influence | None, other: Influence | None, weight: float) -> float:
    """Return the variance that the images of the reference add to a difference, where known."""
    if one is None or other is None or one.reference is None or other.reference is None:
        return 0.0
    mine, others = one.reference, other.reference
    return mean_variance(mine - weight * others if mine.shape == others.shape else mine)


def of_influences(
    one: Influence, other: Influence, *, paired: bool, aligned: bool, extrapolated: bool
) -> tuple[Variances, float | None]:
    """Return the variances of a difference from the influences of both scores, and their degrees.

    The remainder of an extrapolation is subtracted too, see `extrapolated_variance`: the same
    random stream cuts both samples, so it is paired where they are.
    """
    if paired:
        sides = [one.sample - other.sample]
        variances = Variances(paired=mean_variance(sides[0]))
    else:
        sides = [one.sample, other.sample]
        variances = Variances(one=mean_variance(one.sample), other=mean_variance(other.sample))
    if one.reference is not None and other.reference is not None:
        together = aligned and one.reference.shape == other.reference.shape
        shared = [one.reference - other.reference] if together else [one.reference, other.reference]
        variances = replace(variances, reference=sum(map(mean_variance, shared)))
        sides += shared
    total = variances.total
    if extrapolated and one.remainder is not None and other.remainder is not None and total > 0:
        mine, others = np.atleast_2d(one.remainder), np.atleast_2d(other.remainder)
        num = min(len(mine), len(others))
        rest = mine[:num] - others[:num]
        variances = variances.times(extrapolated_variance(total, rest) / total)
    return variances, degrees(sides)


def of_blocks(one: Values, other: Values) -> Variances:
    """Return the variances of a difference from the scores of the blocks, [partitions, blocks].

    Block by block, so that what the blocks of the reference add to both cancels.
    """
    alone = Variances(one=mean_variance(one), other=mean_variance(other))
    if one.shape != other.shape or alone.total == 0:
        return alone
    return alone.times(mean_variance(one - other) / alone.total)
