"""The variance of a difference, from the influences of each image on both scores."""

from dataclasses import replace

from ganeval.scores.influence import Influence, Values, degrees, mean_variance
from ganeval.scores.power import Variances


def times(influence: Influence, weight: float) -> Influence:
    """Return the influences on a multiple of a score."""
    if weight == 1:
        return influence
    real = influence.reference
    return Influence(
        sample=weight * influence.sample, reference=None if real is None else weight * real
    )


def of_reference(one: Influence | None, other: Influence | None, weight: float) -> float:
    """Return the variance that the images of the reference add to a difference, if known."""
    if one is None or other is None or one.reference is None or other.reference is None:
        return 0.0
    mine, others = one.reference, other.reference
    return mean_variance(mine - weight * others if mine.shape == others.shape else mine)


def of_influences(
    one: Influence, other: Influence, *, paired: bool, aligned: bool
) -> tuple[Variances, float | None]:
    """Return the variances of a difference from the influences of both scores.

    Also return their
    degrees of freedom; None for the normal distribution.
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
    return variances, degrees(sides)


def of_blocks(one: Values, other: Values) -> Variances:
    """Return the variances of a difference from the scores of the blocks, [partitions, blocks].

    It subtracts block by block, so that the noise of the reference's blocks cancels.
    """
    alone = Variances(one=mean_variance(one), other=mean_variance(other))
    if one.shape != other.shape or alone.total == 0:
        return alone
    return alone.times(mean_variance(one - other) / alone.total)
