"""Eight Gaussians on a circle: models must find them all; without their method they fail."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from reference_models import (
    consensus,
    feature_matching,
    gan,
    lsgan,
    minibatch_discrimination,
    nagarajan,
    relativistic,
    sngan,
    unrolled,
    wgan_gp,
)
from reference_models.data.densities import Mixture, Samples, covered_modes, found_modes, ring8
from reference_models.engine.data import Data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game
from reference_models.engine.recipe import Recipe
from reference_models.engine.settings import preset_of, with_settings
from reference_models.engine.solvers import Simultaneous
from reference_models.experiments.base import Experiment
from reference_models.experiments.measure import points, trained

NUM_POINTS = 2000
CRITERION = "modes of ring8 found, of 8"


def modes_after(
    recipe: Recipe, steps: int, *, count: Callable[[Samples, Mixture], int] = found_modes
) -> Callable[[int], float]:
    """Return a function that trains for some steps and counts the modes found."""

    def measure(seed: int) -> float:
        data = ring8()
        run = trained(recipe, data, steps=steps, seed=seed)
        return float(count(points(run, NUM_POINTS), data))

    return measure


def for_points(recipe: Recipe) -> Recipe:
    """Return a recipe with its preset for points."""
    return with_settings(recipe, preset_of(recipe, "points"))


def gaussian(seed: int) -> float:
    """Count the modes of the trivial model, a Gaussian with the moments of the data."""
    data = ring8()
    moments = np.zeros(2), (2.0 + data.std**2) * np.eye(2)  # half of the squared radius, 4
    samples = np.random.default_rng(seed).multivariate_normal(*moments, NUM_POINTS)
    return float(found_modes(samples, data))


def _beside_gaussian(recipe: Recipe) -> Experiment:
    """Return the experiment in which a model must find modes that the trivial model does not."""
    return Experiment(
        model=recipe.name,
        criterion=CRITERION,
        better="higher",
        threshold=6.0,
        control_is="a Gaussian",
        system=modes_after(for_points(recipe), 1500),
        control=gaussian,
    )


GAN = _beside_gaussian(gan.RECIPE)
GAN_MINIMAX = _beside_gaussian(gan.MINIMAX)
LSGAN = _beside_gaussian(lsgan.RECIPE)
RELATIVISTIC = _beside_gaussian(relativistic.RECIPE)

_WGAN_GP = for_points(wgan_gp.RECIPE)
WGAN_GP = Experiment(
    model="wgan-gp",
    criterion=CRITERION,
    better="higher",
    threshold=6.0,
    control_is="the same without the penalty",
    system=modes_after(_WGAN_GP, 800),
    control=modes_after(with_settings(_WGAN_GP, {"game.penalty_weight": 0.0}), 800),
)

NUM_PAIRS = 5000
HALF_SIDE = 3.0  # half the side of a square around the ring


def steepest_slope(recipe: Recipe, steps: int) -> Callable[[int], float]:
    """Return a function that trains and finds the largest |D(x) - D(y)| / |x - y| among pairs."""

    def measure(seed: int) -> float:
        run = trained(recipe, ring8(), steps=steps, seed=seed)
        judge = run.game.get_submodule("discriminator").eval()
        draw = Draw(seed, 0)
        first, second = (
            HALF_SIDE * (2 * draw.uniform(name, NUM_PAIRS, 2) - 1) for name in ("first", "second")
        )
        with torch.inference_mode():
            rises = (judge(first) - judge(second)).abs()
        return float((rises / (first - second).norm(dim=1)).max())

    return measure


SNGAN = Experiment(
    model="sngan",
    criterion="steepest slope of D after training on ring8 (1-Lipschitz: at most 1)",
    better="lower",
    threshold=1.0,
    control_is="no spectral norm",
    system=steepest_slope(sngan.RECIPE, 500),
    control=steepest_slope(with_settings(sngan.RECIPE, {"game.spectral_norm": False}), 500),
)

UNROLLED_RECIPE = for_points(unrolled.RECIPE)
UNROLLED = Experiment(
    model="unrolled",
    criterion=CRITERION,
    better="higher",
    threshold=6.0,
    control_is="no unrolled step",
    system=modes_after(UNROLLED_RECIPE, 700),
    control=modes_after(replace(UNROLLED_RECIPE, solver=Simultaneous()), 700),
)

_NAGARAJAN = for_points(nagarajan.RECIPE)
NAGARAJAN = Experiment(
    model="nagarajan",
    # This is weaker than `CRITERION`: the samples are spread over the ring, and few of them are
    # near a mode yet.
    criterion="modes of ring8 covered by the samples that are near a mode, of 8",
    better="higher",
    threshold=6.0,
    control_is="the same with eta 0, which collapses",
    system=modes_after(_NAGARAJAN, 600, count=covered_modes),
    control=modes_after(with_settings(_NAGARAJAN, {"game.weight": 0.0}), 600, count=covered_modes),
)

CONSENSUS = Experiment(
    model="consensus",
    criterion=CRITERION,
    better="higher",
    threshold=6.0,
    control_is="simultaneous steps, gamma 0",
    system=modes_after(consensus.RECIPE, 800),
    control=modes_after(replace(consensus.RECIPE, solver=Simultaneous()), 800),
)

_MATCHING = for_points(feature_matching.RECIPE)
FEATURE_MATCHING = Experiment(
    model="feature-matching",
    criterion=CRITERION,
    better="higher",
    threshold=3.0,
    control_is="features of a discriminator that never moves",
    system=modes_after(_MATCHING, 1400),
    control=modes_after(with_settings(_MATCHING, {"optimizers.D.lr": 0.0}), 1400),
)

# With simultaneous steps, a generator that is faster than D collapses; see also `unrolled`.
_MINIBATCH = replace(
    with_settings(
        minibatch_discrimination.RECIPE, {"optimizers.D.lr": 1e-3, "optimizers.G.lr": 4e-3}
    ),
    solver=Simultaneous(),
)


def _alone(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game of minibatch discrimination, with a D that sees only single samples."""
    game = minibatch_discrimination.make_game(recipe, data, randomness)
    game.discriminator = game.get_submodule("discriminator.body")
    return game


MINIBATCH = Experiment(
    model="minibatch",
    criterion=CRITERION,
    better="higher",
    threshold=2.0,
    control_is="the same without the closeness of samples in a batch",
    system=modes_after(_MINIBATCH, 2500),
    control=modes_after(replace(_MINIBATCH, make_game=_alone), 2500),
)
