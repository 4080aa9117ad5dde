"""Two Gaussians against a discriminator that is optimal, or that moves by gradient steps.

Li, Madry, Peebles and Schmidt, "On the Limitations of First-Order Approximation in GAN Dynamics",
ICML 2018, section 2. G is a mixture of two Gaussians of variance 1 with equal weights and means mu.
The data have such a density too. D is 1 within two intervals, l_1 <= r_1 <= l_2 <= r_2, and 0
elsewhere:

    L(mu, l, r) = P(x in D) + 1 - P(G in D),    its maximum over l and r: 1 + total variation

If D is always at its maximum, G reaches the data from every start. If D moves by gradient steps
too, it often fails in one of two ways. Either both intervals shrink to nothing, and then nothing
moves any more; or they cover everything, and the two Gaussians meet in the middle. The derivatives
have closed forms, so no network is needed.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression
from scipy.special import ndtr

from reference_models.experiments.base import Experiment

Floats = npt.NDArray[np.float64]
Dynamics = Callable[[Floats, Floats], tuple[Floats, Floats]]
"""Function of means [2] and intervals [2, 2], (l_j, r_j), that returns both after a step."""

TRUTH = np.array([-1.0, 1.0])
RATE = 0.3
NUM_STEPS = 500
NUM_STARTS = 20
NEAR = 0.05  # G has arrived if the total variation is below this
GRID = np.linspace(-10.0, 10.0, 801)


def density(mean: Floats, x: Floats) -> Floats:
    """Return the density of two Gaussians with means [2] at x [...], with the shape of x."""
    values: Floats = bell(x[..., None] - mean).mean(axis=-1)
    return values


def bell(x: Floats) -> Floats:
    """Return the standard normal density."""
    values: Floats = np.exp(-np.square(x) / 2) / np.sqrt(2 * np.pi)
    return values


def mass(mean: Floats, intervals: Floats) -> float:
    """Return the probability of the intervals."""
    ends = ndtr(intervals[..., None] - mean)
    return float((ends[:, 1] - ends[:, 0]).mean(axis=-1).sum())


def loss(mean: Floats, intervals: Floats) -> float:
    """Return L, which D maximises and G minimises."""
    return mass(TRUTH, intervals) + 1 - mass(mean, intervals)


def slope_of_means(mean: Floats, intervals: Floats) -> Floats:
    """Return dL / dmu, [2]."""
    ends = bell(intervals[..., None] - mean)
    slope: Floats = (ends[:, 1] - ends[:, 0]).sum(axis=0) / 2
    return slope


def slope_of_intervals(mean: Floats, intervals: Floats) -> Floats:
    """Return dL / d(l_j, r_j), [2, 2]."""
    return np.array([-1.0, 1.0]) * (density(TRUTH, intervals) - density(mean, intervals))


def best_intervals(mean: Floats) -> Floats:
    """Return the intervals in which the data have the larger density, [2, 2].

    There are at most two, because the difference of the two densities changes its sign at most
    three times. Roots are interpolated between the points of the grid. A missing interval is empty.
    """
    gap = density(TRUTH, GRID) - density(mean, GRID)
    before = np.flatnonzero(np.sign(gap[1:]) != np.sign(gap[:-1]))
    roots = GRID[before] - gap[before] * (GRID[1] - GRID[0]) / (gap[before + 1] - gap[before])
    first, last = (
        [end] if positive else []
        for end, positive in zip(GRID[[0, -1]], gap[[0, -1]] > 0, strict=True)
    )
    ends = [*first, *roots, *last]
    return np.array([*ends, *[0.0] * (4 - len(ends))]).reshape(2, 2)


def optimal(mean: Floats, intervals: Floats) -> tuple[Floats, Floats]:
    """Put D at its maximum, then move G along its gradient."""
    best = best_intervals(mean)
    return mean - RATE * slope_of_means(mean, best), best


def first_order(mean: Floats, intervals: Floats) -> tuple[Floats, Floats]:
    """Move both along their gradients at the same point; keep the ends of intervals in order."""
    moved = intervals + RATE * slope_of_intervals(mean, intervals)
    ordered = isotonic_regression(moved.flatten()).x.reshape(2, 2)
    return mean - RATE * slope_of_means(mean, intervals), ordered


def arrivals(dynamics: Dynamics) -> Callable[[int], float]:
    """Return a function that measures the share of random starts that converge to the data."""

    def measure(seed: int) -> float:
        random = np.random.default_rng(seed)
        arrived = 0
        for _ in range(NUM_STARTS):
            mean = random.uniform(-3, 3, 2)
            intervals = np.sort(random.uniform(-3, 3, 4)).reshape(2, 2)
            for _ in range(NUM_STEPS):
                mean, intervals = dynamics(mean, intervals)
            arrived += loss(mean, best_intervals(mean)) - 1 < NEAR
        return arrived / NUM_STARTS

    return measure


FIRST_ORDER = Experiment(
    model="gan-minimax",
    criterion="share of random starts from which two Gaussians converge to the data",
    better="higher",
    threshold=0.9,
    control_is="D moves by gradient steps too",
    system=arrivals(optimal),
    control=arrivals(first_order),
)
