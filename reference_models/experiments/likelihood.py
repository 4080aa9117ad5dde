"""Nats or bits of held-out data under models with a likelihood."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from reference_models import flow_gan, pixelcnn, vae
from reference_models.data.densities import ring8
from reference_models.data.digits import digits
from reference_models.engine.draw import Draw
from reference_models.engine.recipe import Recipe
from reference_models.engine.settings import with_settings
from reference_models.experiments.base import Experiment
from reference_models.experiments.measure import trained
from reference_models.experiments.ring import for_points
from reference_models.parts.likelihood import bits_per_dimension, dequantise

HELD_OUT = 1_000_000  # seed of points that no run is trained on
NUM_HELD_OUT = 4000
NUM_NODES = 61  # of the quadrature, along each axis
NUM_NOISES = 16  # for each picture's bound
SIZE = 8  # of digits
STEPS = 800  # on the ring
OF_POINTS = "nats per held-out point of ring8"
OF_DIGITS = "bits per byte of held-out digits of 8 x 8 pixels"


def log_prob_of(network: Any, x: torch.Tensor, *, seed: int = 0) -> torch.Tensor:
    """Return log p(x), or the mean of estimates of its bound, in nats, float32 [B].

    Args:
        network: Has `log_prob` or `elbo`.
        x: float32 [B, ...]; pictures must be dequantised.
        seed: Seed of the bound's noise.
    """
    with torch.inference_mode():
        if hasattr(network, "log_prob"):
            exact: torch.Tensor = network.log_prob(x)
            return exact
        noises = (
            Draw(seed, number).normal("noise", len(x), network.latent_size)
            for number in range(NUM_NOISES)
        )
        return torch.stack([network.elbo(x, noise) for noise in noises]).mean(dim=0)


def noisy_log_prob(network: Any, x: torch.Tensor, variance: float) -> torch.Tensor:
    """Return the log density at points, in nats [B], of a flow's samples plus N(0, variance I).

    It is the flow's density convolved with the noise, computed by the trapezoid rule on a square of
    twelve standard deviations around each point. Annealed importance sampling bounds this density;
    `log_prob` is the density without noise.

    Args:
        network: A flow of points in the plane, float64.
        x: float64 [B, 2].
        variance: Variance of each coordinate of the noise.
    """
    line = torch.linspace(-6, 6, NUM_NODES, dtype=x.dtype)
    places = torch.cartesian_prod(line, line)
    weights = -0.5 * places.square().sum(dim=1)
    weights = weights - weights.logsumexp(dim=0)
    with torch.inference_mode():
        around = x[:, None] + math.sqrt(variance) * places
        log_prob = network.log_prob(around.flatten(0, 1)).reshape(len(x), -1)
        noisy: torch.Tensor = (log_prob + weights).logsumexp(dim=1)
    return noisy


def nats(recipe: Recipe) -> Callable[[int], float]:
    """Return a function that trains a small flow on the ring and scores held-out points."""
    small = with_settings(for_points(recipe), {"generator.num_couplings": 4, "generator.width": 32})

    def measure(seed: int) -> float:
        run = trained(small, ring8(), steps=STEPS, seed=seed)
        x = ring8().batch(HELD_OUT, 0, NUM_HELD_OUT)["real"]
        return -float(log_prob_of(run.average, x).mean())

    return measure


def gaussian_nats(seed: int) -> float:
    """Return the nats of held-out points under a Gaussian with the moments of the data."""
    x = ring8().batch(HELD_OUT, 0, NUM_HELD_OUT)["real"].double()
    variance = 2.0 + ring8().std ** 2  # half of the squared radius, 4
    squares = x.square().sum(dim=1).mean() / (2 * variance)
    return float(squares) + float(np.log(2 * np.pi * variance))


def true_nats(seed: int) -> float:
    """Return the nats of held-out points under their true density."""
    data = ring8()
    x = data.batch(HELD_OUT, 0, NUM_HELD_OUT)["real"]
    return -float(data.log_density(x.double().numpy()).mean())


FLOW = Experiment(
    model="flow",
    criterion=OF_POINTS,
    better="lower",
    threshold=2.7,
    control_is="a Gaussian",
    system=nats(flow_gan.FLOW),
    control=gaussian_nats,
    floor=true_nats,
)
FLOW_GAN = Experiment(
    model="flow-gan",
    criterion=OF_POINTS,
    better="lower",
    threshold=2.2,
    control_is="D alone, lambda 0",
    system=nats(flow_gan.RECIPE),
    control=nats(with_settings(flow_gan.RECIPE, {"game.likelihood_weight": 0.0})),
    floor=true_nats,
)


def bits(recipe: Recipe, steps: int) -> Callable[[int], float]:
    """Return a function that trains on small digits and scores held-out ones."""

    def measure(seed: int) -> float:
        run = trained(recipe, digits(size=SIZE), steps=steps, seed=seed)
        held_out = digits(size=SIZE, split="test")
        x = held_out.batch(0, 0, len(held_out))["real"]
        x = dequantise(x, Draw(0, 0).uniform("dequantise", *x.shape))
        log_prob = log_prob_of(run.average, x).mean()
        return float(bits_per_dimension(log_prob, x[0].numel()))

    return measure


VAE = Experiment(
    model="vae",
    criterion=f"{OF_DIGITS}, upper bound",
    better="lower",
    threshold=9.0,
    control_is="no divergence term",
    system=bits(vae.RECIPE, 500),
    control=bits(with_settings(vae.RECIPE, {"game.divergence_weight": 0.0}), 500),
)

_ALONE = {**pixelcnn.RECIPE.networks["generator"], "first_reach": 0, "reach": 0}
PIXELCNN = Experiment(
    model="pixelcnn",
    criterion=OF_DIGITS,
    better="lower",
    threshold=2.3,
    control_is="each pixel on its own",
    system=bits(pixelcnn.RECIPE, 300),
    control=bits(replace(pixelcnn.RECIPE, networks={"generator": _ALONE}), 300),
)
