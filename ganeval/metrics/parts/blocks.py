"""The error of nearest-neighbour scores, from how much they differ between disjoint blocks.

Such a score is a sum of terms that depend on what is near alone, so its variance falls as one over
the number of images (Penrose, "Gaussian Limits for Random Geometric Measures", EJP 2007), and the
spread of scores of disjoint blocks tells it (Politis, Romano and Wolf, "Subsampling", 1999,
chapter 3). Deleting images tells too much, because it counts what several images do together once
for each of them. Blocks have fewer images and so a somewhat other variance; how it changes from
quarters to halves says what to expect of the whole.
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

NUM_PARTITIONS = 12  # of each side into quarters; each gives three partitions into halves
_RUNS_OUT = 1e-3  # chance that too few of a centre's spare neighbours are of its own quarter

WHOLE, QUARTERS = slice(1), slice(1, 1 + NUM_PARTITIONS)
HALVES = slice(1 + NUM_PARTITIONS, None)

Blocks = npt.NDArray[np.int8]
Counts = npt.NDArray[np.int32]
Values = npt.NDArray[np.float64]


@cache
def num_near(k: int) -> int:
    """Return how many neighbours of a centre to look for, to find k of its own quarter among them.

    For one centre in a thousand they are too few; then the ball reaches to the last of them, which
    moves no error by what could be seen.
    """
    import scipy.special  # takes a fifth of a second, and most scores have no neighbours

    return next(num for num in count(k) if scipy.special.bdtr(k - 1, num, 1 / 4) < _RUNS_OUT)


def blocks_of(num: int, rng: np.random.Generator | None) -> Blocks:
    """Return the whole of a side, random quarters, and all halves that these make.

    Four quarters make halves in three ways. For a mean over images these are uncorrelated, so they
    tell as much as three partitions.

    Args:
        num: Number of images.
        rng: The metric's stream; None for the whole alone.

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
    """Count who lies in whose ball if each block is alone, for several partitions into blocks.

    Args:
        centres: Their balls reach to the k-th nearest other centre of the same block.
        points: What the balls may hold.
        near: The nearest other centres of each centre, see `num_near`.
        pairs: Of centres and points, all that are as near as the last of these.
        blocks: Those of the centres and of the points, as `blocks_of` returns them.
        k: From 1.
        closed: Whether a point on the rim of a ball is inside.
        resources: Threads.

    Returns:
        In how many balls of its own block each point lies, int [partitions, points]; how many
        points of its own block each ball holds, int [partitions, centres].
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
    """Return the influence of the halves, whose error is made that of the whole.

    The variance that quarters tell of is mostly too small, and that of halves is less so. The whole
    is taken to have half of that step more on a scale of logarithms, and at most a factor of the
    root of 2. In simulation the error then was 0.8 to 1.2 of the spread for
    100 and 200 images a side in most laws; in mixtures and sparse laws 0.7 to 1.4.

    Args:
        values: What each image adds to the score of its block, [partitions, images]; the score is
            their mean.
        blocks: As `blocks_of` returns them, of the same images.
        least: What the variance of the score cannot be less than.
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
