"""How many nats or bits held-out data take, of the models that can tell."""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from reference_models import flow_gan, pixelcnn, vae
from reference_models.data.densities import high_quality, ring8
from reference_models.data.digits import digits
from reference_models.engine.draw import Draw
from reference_models.engine.recipe import Recipe
from reference_models.engine.run import Run
from reference_models.engine.settings import with_settings
from reference_models.experiments.base import Experiment
from reference_models.experiments.measure import points, trained
from reference_models.experiments.ring import NUM_POINTS, for_points
from reference_models.parts.likelihood import bits_per_dimension, dequantise

HELD_OUT = 1_000_000  # the seed of points that no run is trained on
NUM_HELD_OUT = 4000
NUM_NOISES = 16  # for each picture's bound
SIZE = 8  # of digits
OF_POINTS = "nats that a held-out point of ring8 takes"
OF_DIGITS = "bits that a byte of held-out digits of 8 x 8 pixels takes"


def log_prob_of(network: Any, x: torch.Tensor, *, seed: int = 0) -> torch.Tensor:
    """Return log p(x), or the mean of estimates of its bound, in nats, float32 [B].

    Args:
        network: Has `log_prob` or `elbo`.
        x: float32 [B, ...]; pictures dequantised.
        seed: Of the bound's noise.
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


@functools.lru_cache(maxsize=2)
def _on_ring(name: str, likelihood_weight: float, steps: int, seed: int) -> Run:
    """Return a small flow trained on the ring; two experiments ask for the same one."""
    recipe = for_points({"flow": flow_gan.FLOW, "flow-gan": flow_gan.RECIPE}[name])
    changes: dict[str, float] = {"generator.num_couplings": 4, "generator.width": 32}
    if name == "flow-gan":
        changes["game.likelihood_weight"] = likelihood_weight
    return trained(with_settings(recipe, changes), ring8(), steps=steps, seed=seed)


def nats(name: str, *, steps: int, likelihood_weight: float = 1.0) -> Callable[[int], float]:
    """Return what trains a flow on the ring and asks it for held-out points."""

    def measure(seed: int) -> float:
        run = _on_ring(name, likelihood_weight, steps, seed)
        x = ring8().batch(HELD_OUT, 0, NUM_HELD_OUT)["real"]
        return -float(log_prob_of(run.average, x).mean())

    return measure


def quality(name: str, *, steps: int, likelihood_weight: float = 1.0) -> Callable[[int], float]:
    """Return what trains a flow on the ring and counts the samples within 3 std of a mode."""

    def measure(seed: int) -> float:
        run = _on_ring(name, likelihood_weight, steps, seed)
        return float(high_quality(points(run, NUM_POINTS), ring8()).mean())

    return measure


def gaussian_nats(seed: int) -> float:
    """Return what held-out points take of a Gaussian with the moments of the data."""
    x = ring8().batch(HELD_OUT, 0, NUM_HELD_OUT)["real"].double()
    variance = 2.0 + ring8().std ** 2  # half of the squared radius, 4
    squares = x.square().sum(dim=1).mean() / (2 * variance)
    return float(squares) + float(np.log(2 * np.pi * variance))


def true_nats(seed: int) -> float:
    """Return what they take of the density that they are drawn from."""
    data = ring8()
    x = data.batch(HELD_OUT, 0, NUM_HELD_OUT)["real"]
    return -float(data.log_density(x.double().numpy()).mean())


STEPS = 400
FLOW = Experiment(
    model="flow",
    criterion=OF_POINTS,
    better="lower",
    threshold=2.4,
    control_is="a Gaussian",
    system=nats("flow", steps=STEPS),
    control=gaussian_nats,
    floor=true_nats,
)
FLOW_GAN = Experiment(
    model="flow-gan",
    criterion=OF_POINTS,
    better="lower",
    threshold=2.4,
    control_is="D alone, lambda 0",
    system=nats("flow-gan", steps=STEPS),
    control=nats("flow-gan", steps=STEPS, likelihood_weight=0.0),
    floor=true_nats,
)


def bits(recipe: Recipe, steps: int) -> Callable[[int], float]:
    """Return what trains on small digits and asks for held-out ones."""

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
    criterion=f"{OF_DIGITS}, at most",
    better="lower",
    threshold=7.0,
    control_is="the divergence left out",
    system=bits(vae.RECIPE, 500),
    control=bits(with_settings(vae.RECIPE, {"game.divergence_weight": 0.0}), 500),
)

_ALONE = {**pixelcnn.RECIPE.networks["generator"], "first_reach": 0, "reach": 0}
PIXELCNN = Experiment(
    model="pixelcnn",
    criterion=OF_DIGITS,
    better="lower",
    threshold=5.0,
    control_is="each pixel without the others",
    system=bits(pixelcnn.RECIPE, 300),
    control=bits(replace(pixelcnn.RECIPE, networks={"generator": _ALONE}), 300),
)
