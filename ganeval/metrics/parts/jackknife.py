"""The delete-group jackknife of nearest-neighbour scores, from the pairs that these have found.

Without a group of images the balls grow, but only those of the few images with a neighbour in the
group. So the pairs that are near count, for each group, who lies in whose ball.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import count

import numpy as np
import numpy.typing as npt

from ganeval.machine.resources import DEFAULT, Resources
from ganeval.metrics.parts.distances import Indices, Points, entries
from ganeval.metrics.parts.nearest import Nearest
from ganeval.metrics.parts.pairs import Pairs, settled, within

NUM_GROUPS = 20
_RUNS_OUT = 1e-8  # chance that a ball has too few spare neighbours, for all groups together

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class WithoutGroups:
    """Who lies in whose ball when a group of both sides is left out.

    Attributes:
        balls: How many balls each point lies in without each group, int [NUM_GROUPS, points].
        held: How many points each ball holds without each group, int [NUM_GROUPS, centres].
        kept_points: Whether a point is not of the group, bool [NUM_GROUPS, points].
        kept_centres: Likewise, bool [NUM_GROUPS, centres].
    """

    balls: Counts
    held: Counts
    kept_points: npt.NDArray[np.bool_]
    kept_centres: npt.NDArray[np.bool_]


@cache
def num_near(k: int) -> int:
    """Return how many neighbours of a centre are enough to find the k-th without any group."""
    import scipy.special  # takes a fifth of a second, and most scores have no neighbours

    return next(
        num
        for num in count(k)
        if NUM_GROUPS * scipy.special.bdtrc(num - k, num, 1 / NUM_GROUPS) < _RUNS_OUT
    )


def groups_of(num: int, rng: np.random.Generator) -> Indices:
    """Return a random group, from 0 to NUM_GROUPS - 1, for each of `num` images."""
    return rng.permutation(num) % NUM_GROUPS


def standard_error(values: npt.NDArray[np.float64]) -> float:
    """Return the standard error from a score's values without each group, float64 [groups].

    Shao and Tu, "The Jackknife and Bootstrap" (1995), section 2.3: (g - 1) / g times the sum of
    squared deviations.
    """
    return float(np.sqrt((len(values) - 1) * values.var()))


def without_groups(
    centres: Points,
    points: Points,
    near: Nearest,
    pairs: Iterable[Pairs],
    *,
    centre_groups: Indices,
    point_groups: Indices,
    k: int,
    resources: Resources = DEFAULT,
) -> WithoutGroups:
    """Count memberships in the balls to the k-th neighbour, for each group that is left out.

    Args:
        centres: Their balls reach to the k-th nearest other centre.
        points: What the balls may hold.
        near: The nearest other centres of each centre, `num_near(k)` where there are so many.
        pairs: Of centres and points, all that are as near as the last of these.
        centre_groups: int [centres].
        point_groups: int [points].
        k: From 1; more than k centres stay when a group is left out.
        resources: Threads.
    """
    groups = np.arange(NUM_GROUPS)[:, None]
    last = _last_inside(near, centre_groups, k)
    reaches = near.squared[np.arange(len(centres)), last.max(axis=0)]
    ranks = range(k - 1, int(last.max()) + 1)
    balls = np.zeros((NUM_GROUPS, len(points)), np.int64)
    held = np.zeros((NUM_GROUPS, len(centres)), np.int64)
    for found in pairs:
        some = within(centres, points, found, reaches)
        rims = [near.squared[some.centres, rank] for rank in ranks]
        squared = settled(centres, points, some, rims, resources)
        num_nearer = k - 1 + sum((rim < squared).astype(np.intp) for rim in rims)
        always = num_nearer < k
        core, shell, nearer_of_shell = some.where(always), some.where(~always), num_nearer[~always]
        balls += _without(core.points, centre_groups[core.centres], len(points))
        held += _without(core.centres, point_groups[core.points], len(centres))
        grown = last[:, shell.centres] >= nearer_of_shell
        group, at = entries(grown & (groups != centre_groups[shell.centres]))
        new = shell.where(at)
        balls += _grouped(new.points, group, len(points))
        kept = point_groups[new.points] != group
        held += _grouped(new.centres[kept], group[kept], len(centres))
    return WithoutGroups(balls, held, groups != point_groups, groups != centre_groups)


def _without(which: Indices, groups: Indices, num: int) -> Counts:
    """Count occurrences of 0 to num - 1, for each group without those that belong to it."""
    total = np.bincount(which, minlength=num)
    return np.asarray(total - _grouped(which, groups, num))


def _grouped(which: Indices, groups: Indices, num: int) -> Counts:
    """Count occurrences of 0 to num - 1 in each group, int [NUM_GROUPS, num]."""
    counts = np.bincount(groups * num + which, minlength=NUM_GROUPS * num)
    return counts.reshape(NUM_GROUPS, num)


def _last_inside(near: Nearest, groups: Indices, k: int) -> Indices:
    """Return which neighbour, from 0, is the k-th without each group, [NUM_GROUPS, centres]."""
    num = min(num_near(k), near.squared.shape[1])
    near_groups = groups[near.indices[:, :num]].astype(np.int16)
    last = np.empty((NUM_GROUPS, len(near_groups)), np.int16)
    for group, own in enumerate(last):
        counted = (near_groups != group).cumsum(axis=1, dtype=np.int16)
        (counted < k).sum(axis=1, dtype=np.int16, out=own)
    return np.minimum(last, np.int16(num - 1))
