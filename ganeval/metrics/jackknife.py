"""The delete-group jackknife of nearest-neighbour scores, at the cost of about one more score.

Without a group of images the balls grow, but only those of the few images with a neighbour in the
group. So one pass over the distances counts, for each group, who lies in whose ball.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ganeval.metrics.distances import Distances, Indices, Points, strips

NUM_GROUPS = 20
_SPARE = 12  # neighbours beyond k that are kept; so many in one group have never been seen

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
    centre_groups: Indices,
    point_groups: Indices,
    k: int,
) -> WithoutGroups:
    """Count memberships in the balls to the k-th neighbour, for each group that is left out.

    Distances carry their rounding here: a tie decided wrongly moves a standard error by nothing.

    Args:
        centres: Their balls reach to the k-th nearest other centre.
        points: What the balls may hold.
        centre_groups: int [centres].
        point_groups: int [points].
        k: From 1; more than k centres stay when a group is left out.
    """
    radii = _radii(centres, centre_groups, k)
    smallest = radii.min(axis=0)
    kept_centres = np.arange(NUM_GROUPS)[:, None] != centre_groups
    kept_points = np.arange(NUM_GROUPS)[:, None] != point_groups
    balls = np.zeros((NUM_GROUPS, len(points)))
    held = np.zeros((NUM_GROUPS, len(centres)))
    members = kept_points.astype(np.float32).T
    for strip, squared, _ in strips(centres, points, np.arange(len(centres))):
        squared[centres.groups[strip, None] == points.groups] = 0.0
        inside = (squared <= smallest[strip, None]).astype(np.float32)
        balls += kept_centres[:, strip].astype(np.float32) @ inside
        held[:, strip] += (inside @ members).T
        for group in range(NUM_GROUPS):
            grown = np.flatnonzero(
                (radii[group, strip] > smallest[strip]) & kept_centres[group, strip]
            )
            shell = squared[grown] <= radii[group, strip[grown], None]
            shell &= inside[grown] == 0
            balls[group] += shell.sum(axis=0)
            held[group, strip[grown]] += shell[:, kept_points[group]].sum(axis=1)
    return WithoutGroups(balls.astype(np.int64), held.astype(np.int64), kept_points, kept_centres)


def _radii(points: Points, groups: Indices, k: int) -> Distances:
    """Return squared distances to the k-th neighbour without each group, [NUM_GROUPS, points]."""
    num_near = min(k + _SPARE, len(points) - 1)
    radii = np.empty((NUM_GROUPS, len(points)))
    for strip, squared, _ in strips(points, points, np.arange(len(points))):
        squared[points.groups[strip, None] == points.groups] = 0.0
        squared[np.arange(len(strip)), strip] = np.inf
        near = np.argpartition(squared, num_near - 1, axis=1)[:, :num_near]
        near_squared = np.take_along_axis(squared, near, axis=1)
        order = np.argsort(near_squared, axis=1)
        near_squared = np.take_along_axis(near_squared, order, axis=1)
        near_groups = groups[np.take_along_axis(near, order, axis=1)]
        for group in range(NUM_GROUPS):
            rank = (near_groups != group).cumsum(axis=1)
            at = np.minimum((rank < k).sum(axis=1), num_near - 1)
            radii[group, strip] = near_squared[np.arange(len(strip)), at]
    return radii
