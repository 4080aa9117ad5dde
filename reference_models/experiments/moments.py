"""Generators without a discriminator, and with a kernel for one: do they pass a two-sample test?"""

from collections.abc import Callable

import numpy as np
import torch

from reference_models import energy_distance, gmmn, mmd_gan
from reference_models.data.densities import ring8
from reference_models.engine.draw import Draw
from reference_models.engine.recipe import Recipe
from reference_models.engine.settings import with_settings
from reference_models.experiments.base import Experiment
from reference_models.experiments.digits import CRITERION, fid_after, real_digits
from reference_models.experiments.measure import points, trained
from reference_models.experiments.ring import NUM_POINTS, for_points
from reference_models.parts.kernels import Kernel, gaussians

NUM_TESTED = 500
NUM_PERMUTATIONS = 400
LEVEL = 0.95
HELD_OUT = 10**6  # seed of the stream that nothing was trained on
BANDWIDTHS = (0.1, 0.25, 0.5, 1.0, 2.0)


def rejection(
    kernel: Kernel, first: torch.Tensor, second: torch.Tensor, rng: np.random.Generator
) -> float:
    """Return MMD^2 of two samples in units of the value from which a test tells them apart.

    That is the 95 % quantile of what permutations of all points give: above 1, the hypothesis that
    both come from one distribution is rejected at 5 %. Pairs of different points alone count.
    """
    both = torch.cat([first, second]).double()
    gram = kernel(both, both).fill_diagonal_(0).numpy()
    num, other = len(first), len(second)
    weights = np.full(num + other, -1.0 / other)
    weights[:num] = 1.0 / num
    orders = [np.arange(num + other), *(rng.permutation(num + other) for _ in range(NUM_PERMUTATIONS))]
    values = np.array([_mmd2(gram, order[:num], order[num:]) for order in orders])
    return float(values[0] / np.quantile(values[1:], LEVEL))


def _mmd2(gram: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """Return the unbiased MMD^2 of a division of the points, from a Gram matrix without diagonal."""
    within = sum(
        gram[np.ix_(part, part)].sum() / (len(part) * (len(part) - 1)) for part in (first, second)
    )
    return float(within - 2 * gram[np.ix_(first, second)].mean())


def tested(recipe: Recipe, steps: int) -> Callable[[int], float]:
    """Return what trains on ring8 and tests samples against held-out points."""

    def measure(seed: int) -> float:
        data = ring8()
        run = trained(recipe, data, steps=steps, seed=seed)
        held_out = data.batch(HELD_OUT, 0, NUM_TESTED)["real"]
        rng = np.random.default_rng(seed)
        return rejection(gaussians(BANDWIDTHS), points(run, NUM_TESTED), held_out, rng)

    return measure
