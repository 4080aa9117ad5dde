"""Compare a trained discriminator with the optimal one, if both densities are known."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

from reference_models import optimal_discriminator
from reference_models.data.densities import mix1d
from reference_models.engine.recipe import Recipe
from reference_models.engine.settings import with_settings
from reference_models.experiments.base import Experiment
from reference_models.experiments.measure import trained
from reference_models.experiments.ring import for_points
from reference_models.optimal_discriminator import Generator

Floats = npt.NDArray[np.float64]

LINE = np.linspace(-12.0, 12.0, 24_001)  # the trapezoidal rule is exact to many digits here
STEP = float(LINE[1] - LINE[0])
LIKELY = 0.01  # of p + q; where it is below, D has seen hardly any points
STEPS = 4500


def value(logits: Floats, log_p: Floats, log_q: Floats) -> float:
    """Return V(D) = E_p log D + E_q log(1 - D) by quadrature; all float64 on `LINE`."""
    of_real = np.exp(log_p) * np.logaddexp(0, -logits)
    of_known = np.exp(log_q) * np.logaddexp(0, logits)
    return float(-(of_real + of_known).sum() * STEP)


def jensen_shannon(value_of_d: float) -> float:
    """Return the lower bound on the divergence that follows from V(D); D* reaches it."""
    return (value_of_d + math.log(4)) / 2


def on_line(seed: int, recipe: Recipe) -> tuple[Floats, Floats, Floats]:
    """Return the logits of D after training on mix1d, log p and log q, float64 on `LINE`."""
    data = mix1d()
    run = trained(recipe, data, steps=STEPS, seed=seed)
    assert isinstance(run.average, Generator)
    points = LINE[:, None]
    x = torch.from_numpy(points.astype(np.float32))
    with torch.inference_mode():
        logits = run.average.discriminator(x).double().numpy()
        log_q = run.average.double().log_density(torch.from_numpy(points)).numpy()
    return logits, data.log_density(points), log_q


def largest_error(recipe: Recipe) -> Callable[[int], float]:
    """Return a function that trains and finds the largest |D - D*| where p + q is above 0.01."""

    def measure(seed: int) -> float:
        logits, log_p, log_q = on_line(seed, recipe)
        likely = np.exp(log_p) + np.exp(log_q) > LIKELY
        errors = abs(_sigmoid(logits) - _sigmoid(log_p - log_q))
        return float(errors[likely].max())

    return measure


def error_of_divergence(recipe: Recipe) -> Callable[[int], float]:
    """Return a function that trains and measures the relative error of D's estimate of the JSD."""

    def measure(seed: int) -> float:
        logits, log_p, log_q = on_line(seed, recipe)
        truth = jensen_shannon(value(log_p - log_q, log_p, log_q))
        return abs(jensen_shannon(value(logits, log_p, log_q)) / truth - 1)

    return measure


def _sigmoid(logits: Floats) -> Floats:
    """Return the sigmoid of logits."""
    return np.exp(-np.logaddexp(0, -logits))


_RECIPE = with_settings(for_points(optimal_discriminator.RECIPE), {"steps": STEPS})
_NARROW = with_settings(_RECIPE, {"generator.width": 1})

OPTIMAL_D = Experiment(
    model="optimal-d",
    criterion="largest |D - p / (p + q)| on mix1d, where p + q > 0.01",
    better="lower",
    threshold=0.03,
    control_is="D of width 1",
    system=largest_error(_RECIPE),
    control=largest_error(_NARROW),
)
OPTIMAL_D_JSD = Experiment(
    model="optimal-d",
    criterion="relative error of the divergence (JSD) that D estimates on mix1d",
    better="lower",
    threshold=0.03,
    control_is="D of width 1",
    system=error_of_divergence(_RECIPE),
    control=error_of_divergence(_NARROW),
)
