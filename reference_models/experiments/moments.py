"""Test whether generators reach the data under a fixed distance and under a learned kernel."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

from reference_models import energy_distance, gmmn, mmd_gan
from reference_models.data.densities import mix1d, ring8
from reference_models.engine.recipe import Recipe
from reference_models.engine.settings import with_settings
from reference_models.experiments.base import Experiment
from reference_models.experiments.digits import CRITERION, fid_after, real_digits
from reference_models.experiments.measure import points, trained
from reference_models.experiments.ring import for_points
from reference_models.parts.kernels import Kernel, gaussians

NUM_TESTED = 500
NUM_PERMUTATIONS = 400
LEVEL = 0.95
HELD_OUT = 10**6  # seed of points that no run is trained on
BANDWIDTHS = (0.1, 0.25, 0.5, 1.0, 2.0)
FINE = {"batch_size": 256, "optimizers.G.decay": "linear"}
FINE_STEPS = 900


def rejection(
    kernel: Kernel, first: torch.Tensor, second: torch.Tensor, rng: np.random.Generator
) -> float:
    """Return MMD^2 of two samples, divided by the critical value of a test.

    The critical value is the 95 % quantile over permutations of all points. Above 1, the hypothesis
    that both samples have the same distribution is rejected at 5 %. Only pairs of different points
    count.
    """
    both = torch.cat([first, second]).double()
    gram = kernel(both, both).fill_diagonal_(0).numpy()
    num = len(first)

    def mmd2(order: npt.NDArray[np.int64]) -> float:
        parts = order[:num], order[num:]
        within = [gram[np.ix_(part, part)].sum() / (len(part) * (len(part) - 1)) for part in parts]
        return float(sum(within) - 2 * gram[np.ix_(*parts)].mean())

    by_chance = [mmd2(rng.permutation(len(both))) for _ in range(NUM_PERMUTATIONS)]
    return mmd2(np.arange(len(both))) / float(np.quantile(by_chance, LEVEL))


def tested(recipe: Recipe, steps: int) -> Callable[[int], float]:
    """Return a function that trains on ring8 and tests samples against held-out points."""

    def measure(seed: int) -> float:
        data = ring8()
        run = trained(recipe, data, steps=steps, seed=seed)
        held_out = data.batch(HELD_OUT, 0, NUM_TESTED)["real"]
        rng = np.random.default_rng(seed)
        return rejection(gaussians(BANDWIDTHS), points(run, NUM_TESTED), held_out, rng)

    return measure


def gaussian(seed: int) -> float:
    """Test the trivial model: a Gaussian with the mean and the covariance of the data."""
    data, rng = ring8(), np.random.default_rng(seed)
    # Half of the squared radius, 4, and the variance of a mode.
    samples = rng.normal(0.0, np.sqrt(2 + data.std**2), (NUM_TESTED, 2))
    held_out = data.batch(HELD_OUT, 0, NUM_TESTED)["real"]
    return rejection(gaussians(BANDWIDTHS), torch.from_numpy(samples).float(), held_out, rng)


GMMN = Experiment(
    model="gmmn",
    criterion="MMD^2 to held-out points of ring8, divided by the critical value of a test at 5 %",
    better="lower",
    threshold=3.0,
    control_is="a Gaussian",
    system=tested(
        with_settings(for_points(gmmn.RECIPE), {**FINE, "steps": FINE_STEPS}), FINE_STEPS
    ),
    control=gaussian,
)


def error_of_spread(recipe: Recipe, steps: int) -> Callable[[int], float]:
    """Return a function that trains on mix1d and measures the relative error of the spread.

    The spread is the standard deviation of the samples.
    """

    def measure(seed: int) -> float:
        data = mix1d()
        run = trained(recipe, data, steps=steps, seed=seed)
        mean = data.weights @ data.modes
        variance = data.std**2 + data.weights @ (data.modes - mean) ** 2
        ratio = float(points(run, 5000).std()) / math.sqrt(variance[0])
        return abs(ratio - 1)

    return measure


_SMALL = with_settings(for_points(energy_distance.RECIPE), {"batch_size": 4})
ENERGY_DISTANCE = Experiment(
    model="energy-distance",
    criterion="relative error of the standard deviation of samples, mix1d in batches of 4",
    better="lower",
    threshold=0.35,
    control_is="each item is also paired with itself",
    system=error_of_spread(_SMALL, 1500),
    control=error_of_spread(with_settings(_SMALL, {"game.unbiased": False}), 1500),
)

_STILL = with_settings(mmd_gan.RECIPE, {"optimizers.D.lr": 0.0})
MMD_GAN = Experiment(
    model="mmd-gan",
    criterion=f"{CRITERION} (8 x 8 pixels)",
    better="lower",
    threshold=0.7,
    control_is="a critic that does not learn",
    system=fid_after(mmd_gan.RECIPE, 600, size=8),
    control=fid_after(_STILL, 600, size=8),
    floor=real_digits(8),
)
