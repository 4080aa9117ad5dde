"""Measure whether a generator makes the requested class."""

import functools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

import ganeval
from reference_models import acgan, projection
from reference_models.data.digits import digits
from reference_models.data.pictures import Pictures
from reference_models.engine.draw import Draw
from reference_models.engine.inputs import latent_size_of
from reference_models.engine.kinds.pictures import as_source
from reference_models.engine.recipe import OptimizerSpec, Recipe
from reference_models.engine.run import Run
from reference_models.engine.settings import with_settings
from reference_models.experiments.base import Experiment
from reference_models.experiments.measure import trained

SIZE = 8
NUM_IMAGES = 1000
NUM_CLASSES = 10
STEPS = 500

_PROJECTION = replace(
    with_settings(projection.RECIPE, {"batch_size": 32}),
    optimizers={player: OptimizerSpec(lr=2e-3, betas=(0.0, 0.9)) for player in ("D", "G")},
)
_ACGAN = with_settings(acgan.RECIPE, {"batch_size": 32})


@functools.lru_cache(maxsize=2)
def _trained(model: str, seed: int, *, shuffled: bool = False, weight: float = 1.0) -> Run:
    """Return a trained run; cached, because a model's experiments use the same one.

    Args:
        model: "projection" or "acgan".
        seed: Seed of the run, and of the shuffled labels.
        shuffled: Whether the labels are shuffled.
        weight: Weight of the class term in `acgan`.
    """
    recipe = _PROJECTION
    if model == "acgan":
        recipe = with_settings(_ACGAN, {"game.weight": weight})
    real = digits(size=SIZE)
    assert real.labels is not None
    labels = np.random.default_rng(seed).permutation(real.labels) if shuffled else real.labels
    return trained(recipe, replace(real, labels=labels), steps=STEPS, seed=seed)


def _nearest(data: Pictures) -> KNeighborsClassifier:
    """Return a classifier that finds the class of the nearest real digit."""
    return KNeighborsClassifier(1).fit(data.pixels.reshape(len(data), -1), data.labels)


def _right(run: Run) -> torch.Tensor:
    """Return whether each sample's nearest digit has its class, bool [samples per class, 10]."""
    size = latent_size_of(run.average)
    assert size is not None, "both models take latents"
    z = Draw(0, 0).normal("measure", NUM_IMAGES, size)
    wanted = torch.arange(NUM_IMAGES) % NUM_CLASSES
    with torch.inference_mode():
        made = run.average(z, wanted)
    pixels = (made.flatten(1) + 1) * 127.5
    found = torch.from_numpy(_nearest(digits(size=SIZE)).predict(pixels.numpy()))
    return (found == wanted).reshape(-1, NUM_CLASSES)


def recognised(*, shuffled: bool) -> Callable[[int], float]:
    """Return a function that measures how often the nearest digit has the requested class."""
    return lambda seed: float(
        _right(_trained("projection", seed, shuffled=shuffled)).double().mean()
    )


def least_recognised(*, weight: float) -> Callable[[int], float]:
    """Return a function that measures the same share for AC-GAN in its worst class."""
    return lambda seed: float(
        _right(_trained("acgan", seed, weight=weight)).double().mean(dim=0).min()
    )


def real_recognised(seed: int) -> float:
    """Measure the share for held-out real digits, which does not depend on the seed."""
    held_out = digits(size=SIZE, split="test")
    pixels = held_out.pixels.reshape(len(held_out), -1)
    return float(_nearest(digits(size=SIZE)).score(pixels, held_out.labels))


def real_least_recognised(seed: int) -> float:
    """Measure the share of the worst class for held-out real digits, for any seed."""
    held_out = digits(size=SIZE, split="test")
    pixels = held_out.pixels.reshape(len(held_out), -1)
    right = _nearest(digits(size=SIZE)).predict(pixels) == held_out.labels
    return min(float(right[held_out.labels == label].mean()) for label in range(NUM_CLASSES))


class NextClass(nn.Module):
    """A generator that makes the class after the requested one."""

    def __init__(self, network: nn.Module) -> None:
        """Take the generator."""
        super().__init__()
        self.network, self.latent_size = network, latent_size_of(network)

    def forward(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return samples for latents and classes."""
        samples: torch.Tensor = self.network(z, (labels + 1) % NUM_CLASSES)
        return samples


def intra_fid(recipe: Recipe, *, next_class: bool) -> Callable[[int], float]:
    """Return a function that measures the mean FID within classes, with features of `random`.

    With `next_class` the same samples get the label of the previous class; FID without labels would
    not change.
    """

    def measure(seed: int) -> float:
        network = _trained(recipe.name, seed).average
        source = as_source(
            NextClass(network) if next_class else network,
            recipe,
            digits(size=SIZE),
            num_images=NUM_IMAGES,
            seed=seed,
        )
        return _intra_fid(source)

    return measure


def real_intra_fid(seed: int) -> float:
    """Measure the mean FID of held-out real digits, about 36 in each class, for any seed."""
    return _intra_fid(f"data:digits,split=test,size={SIZE}")


def _intra_fid(sample: object) -> float:
    """Return the mean FID within classes to the training digits."""
    report = ganeval.evaluate(
        sample=sample,
        reference=f"data:digits,split=train,size={SIZE}",
        metrics=["intra-fid"],
        extractor="random",
        device="cpu",
        cache=False,
    )
    return float(report["intra-fid"].value)


PROJECTION = Experiment(
    model="projection",
    criterion="share of samples whose nearest real digit has the requested class",
    better="higher",
    threshold=0.5,
    control_is="shuffled labels",
    system=recognised(shuffled=False),
    control=recognised(shuffled=True),
    floor=real_recognised,
)
ACGAN = Experiment(
    model="acgan",
    criterion="share of samples whose nearest real digit has the requested class, worst class",
    better="higher",
    threshold=0.5,
    control_is="no class term",
    system=least_recognised(weight=1.0),
    control=least_recognised(weight=0.0),
    floor=real_least_recognised,
)


def _within_classes(recipe: Recipe) -> Experiment:
    """Return the experiment in which each class of a model must be near the real class."""
    return Experiment(
        model=recipe.name,
        criterion="mean FID to real digits within the classes, features of `random`",
        better="lower",
        threshold=0.4,
        control_is="the same samples with the label of the previous class",
        system=intra_fid(recipe, next_class=False),
        control=intra_fid(recipe, next_class=True),
        floor=real_intra_fid,
    )


PROJECTION_WITHIN = _within_classes(_PROJECTION)
ACGAN_WITHIN = _within_classes(_ACGAN)
