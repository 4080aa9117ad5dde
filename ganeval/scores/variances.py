"""The variance of a difference, from what each image adds to both scores."""

from dataclasses import replace

import numpy as np

from ganeval.scores.influence import Influence, Values, extrapolated_variance, mean_variance
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
) -> Variances:
    """Return the variances of a difference from the influences of both scores.

    The remainder of an extrapolation is subtracted too, see `extrapolated_variance`: the same
    random stream cuts both samples, so it is paired where they are.
    """
    variances = (
        Variances(paired=mean_variance(one.sample - other.sample))
        if paired
        else Variances(one=mean_variance(one.sample), other=mean_variance(other.sample))
    )
    if one.reference is not None and other.reference is not None:
        shared = (
            mean_variance(one.reference - other.reference)
            if aligned and one.reference.shape == other.reference.shape
            else mean_variance(one.reference) + mean_variance(other.reference)
        )
        variances = replace(variances, reference=shared)
    total = variances.total
    if not extrapolated or one.remainder is None or other.remainder is None or total == 0:
        return variances
    mine, others = np.atleast_2d(one.remainder), np.atleast_2d(other.remainder)
    num = min(len(mine), len(others))
    return variances.times(extrapolated_variance(total, mine[:num] - others[:num]) / total)


def of_blocks(one: Values, other: Values) -> Variances:
    """Return the variances of a difference from the scores of the blocks, [partitions, blocks].

    Block by block, so that what the blocks of the reference add to both cancels.
    """
    alone = Variances(one=mean_variance(one), other=mean_variance(other))
    if one.shape != other.shape or alone.total == 0:
        return alone
    return alone.times(mean_variance(one - other) / alone.total)
