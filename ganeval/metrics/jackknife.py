"""The delete-group jackknife of nearest-neighbour scores, from the pairs that these have found.

Without a group of images the balls grow, but only those of the few images with a neighbour in the
group. So the pairs that are near count, for each group, who lies in whose ball.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ganeval.metrics.distances import Indices, Points
from ganeval.metrics.nearest import Nearest
from ganeval.metrics.pairs import Pairs, inside_balls, settled
from ganeval.resources import DEFAULT, Resources

NUM_GROUPS = 20
SPARE = 12  # neighbours beyond k that are looked at; so many in one group have never been seen

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
        near: The nearest other centres of each centre, `SPARE` more than k where there are so many.
        pairs: Of centres and points, all that are as near as the last of these.
        centre_groups: int [centres].
        point_groups: int [points].
        k: From 1; more than k centres stay when a group is left out.
        resources: Threads.
    """
    last = _last_inside(near, centre_groups, k)
    reaches = near.squared[np.arange(len(centres)), last.max(axis=0)]
    ranks = range(k - 1, int(last.max()) + 1)
    balls = np.zeros((NUM_GROUPS, len(points)), np.int64)
    held = np.zeros((NUM_GROUPS, len(centres)), np.int64)
    for found in pairs:
        some = found.where(
            inside_balls(centres, points, found, reaches, closed=True, resources=resources)
        )
        rims = [near.squared[some.centres, rank] for rank in ranks]
        squared = settled(centres, points, some, rims, resources)
        num_nearer = k - 1 + sum((rim < squared).astype(np.intp) for rim in rims)
        always = num_nearer < k
        core, shell = some.where(always), some.where(~always)
        balls += _without(core.points, centre_groups[core.centres], len(points))
        held += _without(core.centres, point_groups[core.points], len(centres))
        for group in range(NUM_GROUPS):
            grown = num_nearer[~always] <= last[group, shell.centres]
            new = shell.where(grown & (centre_groups[shell.centres] != group))
            balls[group] += np.bincount(new.points, minlength=len(points))
            new = new.where(point_groups[new.points] != group)
            held[group] += np.bincount(new.centres, minlength=len(centres))
    groups = np.arange(NUM_GROUPS)[:, None]
    return WithoutGroups(balls, held, groups != point_groups, groups != centre_groups)


def _without(which: Indices, groups: Indices, num: int) -> Counts:
    """Count occurrences of 0 to num - 1, for each group without those that belong to it."""
    total = np.bincount(which, minlength=num)
    own = np.bincount(groups * num + which, minlength=NUM_GROUPS * num)
    return np.asarray(total - own.reshape(NUM_GROUPS, num))


def _last_inside(near: Nearest, groups: Indices, k: int) -> Indices:
    """Return which neighbour, from 0, is the k-th without each group, [NUM_GROUPS, centres]."""
    num_near = min(k + SPARE, near.squared.shape[1])
    near_groups = groups[near.indices[:, :num_near]]
    counted = np.stack([(near_groups != group).cumsum(axis=1) for group in range(NUM_GROUPS)])
    return np.asarray(np.minimum((counted < k).sum(axis=2), num_near - 1))
