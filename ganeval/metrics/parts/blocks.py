"""Estimate the error of nearest-neighbour scores from their spread between disjoint blocks.

Such a score is a sum of terms that depend only on near images, so its variance falls as one over
the number of images (Penrose, "Gaussian Limits for Random Geometric Measures", EJP 2007), and can
be estimated from the spread of scores of disjoint blocks (Politis, Romano and Wolf, "Subsampling",
1999, chapter 3). Deleting images (the jackknife) overestimates it, because a joint effect of
several images counts once for each of them. Blocks have fewer images and so a somewhat different
variance; its change from quarters to halves is used to predict that of the whole.
"""

from collections.abc import Iterable
from functools import cache
from itertools import count

import numpy as np
import numpy.typing as npt

from ganeval.machine.resources import DEFAULT, Resources
from ganeval.metrics.parts.distances import Distances, Points
from ganeval.metrics.parts.nearest import Nearest
from ganeval.metrics.parts.pairs import Judged, Pairs
from ganeval.scores.influence import Influence, mean_variance

NUM_PARTITIONS = (
    12  # partitions of each side into quarters; each gives three partitions into halves
)
_RUNS_OUT = 1e-3  # chance that too few of a centre's spare neighbours are in its own quarter

WHOLE, QUARTERS = slice(1), slice(1, 1 + NUM_PARTITIONS)
HALVES = slice(1 + NUM_PARTITIONS, None)

Blocks = npt.NDArray[np.int8]
Counts = npt.NDArray[np.int32]
Values = npt.NDArray[np.float64]


@cache
def num_near(k: int) -> int:
    """Return how many neighbours of a centre to search, so that k of them are in its own quarter.

    For one centre in a thousand they are too few; then the ball reaches to the last of them, which
    changes no error noticeably.
    """
    import scipy.special  # takes a fifth of a second, and most scores have no neighbours

    return next(num for num in count(k) if scipy.special.bdtr(k - 1, num, 1 / 4) < _RUNS_OUT)


def blocks_of(num: int, rng: np.random.Generator | None) -> Blocks:
    """Return the partitions of a side: the whole, random quarters, and all halves of quarters.

    Four quarters make halves in three ways. For a mean over images these are uncorrelated, so they
    are as good as three independent partitions.

    Args:
        num: Number of images.
        rng: The metric's stream; None for the whole only.

    Returns:
        The block of each image in each partition, int8 [partitions, images]: 0 in the first, 0 to 3
        in `QUARTERS`, 0 and 1 in `HALVES`.
    """
    whole = np.zeros((1, num), np.int8)
    if rng is None:
        return whole
    quarters = np.array([rng.permutation(num) % 4 for _ in range(NUM_PARTITIONS)], np.int8)
    high, low = quarters >> 1, quarters & 1
    return np.concatenate([whole, quarters, high, low, high ^ low])


def counts_within(
    centres: Points,
    points: Points,
    near: Nearest,
    pairs: Iterable[Pairs],
    *,
    blocks: tuple[Blocks, Blocks],
    k: int,
    closed: bool,
    resources: Resources = DEFAULT,
) -> tuple[Counts, Counts]:
    """Count the points in the balls of each block on its own, for several partitions into blocks.

    Args:
        centres: Centres of balls that reach to the k-th nearest other centre of the same block.
        points: Points that the balls may contain.
        near: The nearest other centres of each centre, see `num_near`.
        pairs: All pairs of a centre and a point that are as near as the last of these.
        blocks: Blocks of the centres and of the points, as `blocks_of` returns them.
        k: From 1.
        closed: Whether a point on the rim of a ball is inside.
        resources: Threads.

    Returns:
        The number of balls of its own block in which each point lies, int [partitions, points]; the
        number of points of its own block in each ball, int [partitions, centres].
    """
    centre_blocks, point_blocks = blocks
    radii = np.array([_radii(near, own, k) for own in centre_blocks])
    balls = np.zeros(point_blocks.shape, np.int32)
    held = np.zeros(centre_blocks.shape, np.int32)
    for part in pairs:
        judged = Judged(centres, points, part, resources)
        # The balls of the whole and of halves are smaller, so most pairs matter to quarters only.
        for group in (WHOLE, QUARTERS, HALVES):
            some = judged.near(radii[group].max(axis=0, initial=0.0))
            its_centres, its_points = part.centres[some], part.points[some]
            for at in range(*group.indices(len(radii))):
                same = centre_blocks[at][its_centres] == point_blocks[at][its_points]
                inside = judged.inside(some[same], radii[at], closed=closed)
                balls[at] += np.bincount(inside.points, minlength=len(points))
                held[at] += np.bincount(inside.centres, minlength=len(centres))
    return balls, held


def _radii(near: Nearest, blocks: Blocks, k: int) -> Distances:
    """Return the squared distance of each centre to the k-th nearest of its block, [centres]."""
    own = blocks[near.indices] == blocks[:, None]
    own[:, -1] |= own.sum(axis=1) < k
    counts = own.sum(axis=1)
    kth = np.cumsum(counts) - counts + np.minimum(counts, k) - 1
    return np.asarray(near.squared.ravel()[np.flatnonzero(own)[kth]])


def influence_of_blocks(
    values: npt.NDArray[np.number | np.bool_], blocks: Blocks, *, least: float
) -> Influence:
    """Return the influence of the halves, scaled to the error of the whole.

    The variance from quarters is mostly too small, the variance from halves less so. From halves to
    the whole, the logarithm is assumed to grow by half of the step from quarters to halves, and by
    a factor of at most the root of 2. In simulations the error then was 0.8 to 1.2 times the spread
    for 100 and 200 images on each side in most laws; in mixtures and sparse laws 0.7 to 1.4 times.

    Args:
        values: What each image adds to the score of its block, [partitions, images]; the score is
            their mean.
        blocks: As `blocks_of` returns them, of the same images.
        least: Lower bound of the variance of the score.
    """
    of_quarters = _block_means(values[QUARTERS], blocks[QUARTERS], 4)
    of_halves = _block_means(values[HALVES], blocks[HALVES], 2)
    centred = of_halves - of_halves.mean(axis=1, keepdims=True)
    half, quarter = mean_variance(of_halves), mean_variance(of_quarters)
    if half == 0:
        return Influence(sample=centred)
    step = 2.0 if quarter == 0 else min(max(half / quarter, 1.0), 2.0)
    return Influence(sample=centred * np.sqrt(max(step**0.5, least / half)))


def _block_means(values: npt.NDArray[np.number | np.bool_], blocks: Blocks, num: int) -> Values:
    """Return the mean of each of `num` blocks, float64 [partitions, num]."""
    return np.array(
        [
            np.bincount(own, some, minlength=num) / np.bincount(own, minlength=num)
            for some, own in zip(values, blocks, strict=True)
        ]
    )
