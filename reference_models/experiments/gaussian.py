"""Fit one Gaussian to a mixture of two: the best fit depends on the divergence.

The generator is mu + sigma z, and quadrature gives the best mu and sigma for every divergence. The
best fit for the Kullback-Leibler divergence covers both modes, for its reverse it covers only the
larger mode, and for the Jensen-Shannon divergence it is in between. Nowozin et al. 2016 have a
similar experiment ("Univariate Mixture of Gaussians").
"""

import functools
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from scipy.integrate import trapezoid
from scipy.optimize import minimize

from reference_models import fgan, poole
from reference_models.data.densities import Mixture
from reference_models.engine.recipe import OptimizerSpec, Recipe
from reference_models.engine.settings import with_settings
from reference_models.engine.solvers import Alternating
from reference_models.experiments.base import Experiment
from reference_models.experiments.measure import points, trained

Fit = tuple[float, float]  # mean and standard deviation

# Like `mix1d`, but with more uneven modes, so the best fits of three divergences are 0.15 apart.
DATA = Mixture("uneven modes", np.array([[0.0], [2.4]]), 0.6, np.array([0.84, 0.16]))
DISTINCT = ("kl", "jensen-shannon", "reverse-kl")
STEPS = 2000
NUM_POINTS = 20_000
GRID = np.linspace(-8.0, 8.0, 3201)


@functools.cache
def best_fit(name: str) -> Fit:
    """Return mean and standard deviation of the Gaussian q with the smallest E_q f(p / q)."""
    f = fgan.DIVERGENCES[name].f
    log_p = DATA.log_density(GRID[:, None])

    def value(parameters: npt.NDArray[np.float64]) -> float:
        mean, log_std = parameters
        log_q = -0.5 * ((GRID - mean) / np.exp(log_std)) ** 2 - log_std - 0.5 * np.log(2 * np.pi)
        # Ratios above e^300 have no weight; without the limit their squares would overflow.
        ratio = torch.from_numpy(np.exp(np.minimum(log_p - log_q, 300)))
        return float(trapezoid(np.exp(log_q) * f(ratio).numpy(), GRID))

    starts = [(mean, log_std) for mean in (-1.0, 0.0, 1.5) for log_std in (-0.7, 0.0, 0.3)]
    fits = [minimize(value, start, method="Nelder-Mead") for start in starts]
    best = min(fits, key=lambda fit: float(fit.fun)).x
    return float(best[0]), float(np.exp(best[1]))


def recipe_for(recipe: Recipe) -> Recipe:
    """Return a recipe whose generator is a Gaussian and whose D is fast enough to follow it."""
    return replace(
        recipe,
        networks={
            "generator": {"latent_size": 1, "width": 1, "depth": 0},
            "discriminator": {"width": 32, "depth": 2},
        },
        solver=Alternating(num_first=5),
        optimizers={
            "D": OptimizerSpec(lr=2e-3),
            "G": OptimizerSpec(lr=1e-2, decay="linear"),
        },
        batch_size=256,
        steps=STEPS,
        ema_half_life=50_000.0,
    )


@functools.lru_cache(maxsize=8)
def fit_of(model: str, divergence: str, seed: int) -> Fit:
    """Return mean and standard deviation of a trained generator's samples.

    Cached, because system and control use the same ones.
    """
    recipe = {"f-gan": fgan.RECIPE, "poole": poole.RECIPE}[model]
    recipe = with_settings(recipe, {"game.divergence": divergence})
    run = trained(recipe_for(recipe), DATA, steps=STEPS, seed=seed)
    samples = points(run, NUM_POINTS)
    return float(samples.mean()), float(samples.std())


def distance(first: Fit, second: Fit) -> float:
    """Return the difference of the means or of the standard deviations, whichever is larger."""
    return max(abs(one - other) for one, other in zip(first, second, strict=True))


def miss(model: str, divergences: Iterable[str]) -> Callable[[int], float]:
    """Return a function that measures the largest distance of these fits from their best fits."""
    return lambda seed: max(
        distance(fit_of(model, name, seed), best_fit(name)) for name in divergences
    )


def confusion(model: str) -> Callable[[int], float]:
    """Return a function that measures the smallest distance of a fit from a wrong best fit."""
    return lambda seed: min(
        distance(fit_of(model, name, seed), best_fit(other))
        for name in DISTINCT
        for other in DISTINCT
        if other != name
    )


def _fitting(model: str, divergences: Iterable[str]) -> Experiment:
    """Return the experiment in which a model must find the best fit for each divergence."""
    return Experiment(
        model=model,
        criterion="distance from the fitted Gaussian to the best one for its divergence, the "
        f"largest of {len(list(divergences))} divergences",
        better="lower",
        threshold=0.08,
        control_is="the nearest best Gaussian for another divergence",
        system=miss(model, divergences),
        control=confusion(model),
    )


# Without "gan", which trains like "jensen-shannon": their losses differ by a constant.
F_GAN = _fitting("f-gan", tuple(name for name in fgan.DIVERGENCES if name != "gan"))
POOLE = _fitting("poole", DISTINCT)
