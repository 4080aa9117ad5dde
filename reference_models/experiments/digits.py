"""Handwritten digits: models must come nearer to held-out digits than a trivial model."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch

import ganeval
from reference_models import dcgan, pix2pix, progan, wgan
from reference_models.data.digits import digits, edges
from reference_models.engine.data import Data
from reference_models.engine.game import Game
from reference_models.engine.kinds.pictures import as_source
from reference_models.engine.recipe import Recipe
from reference_models.engine.settings import preset_of, with_settings
from reference_models.experiments.base import Experiment
from reference_models.experiments.measure import fid_of_digits, trained

NUM_IMAGES = 360  # as many as there are held-out digits
CRITERION = "FID to held-out digits, features of `random`"


def fid_after(recipe: Recipe, steps: int, *, size: int = 16) -> Callable[[int], float]:
    """Return a function that trains on digits of a size and scores the samples."""

    def measure(seed: int) -> float:
        data = digits(size=size)
        run = trained(recipe, data, steps=steps, seed=seed)
        sample = as_source(run.average, recipe, data, num_images=NUM_IMAGES, seed=seed)
        return fid_of_digits(sample, size=size)

    return measure


def pixel_gaussian(seed: int) -> float:
    """Score the trivial model: a Gaussian with the mean and covariance of the training pixels."""
    data = digits()
    pixels = data.pixels.reshape(len(data), -1).astype(np.float64)
    samples = np.random.default_rng(seed).multivariate_normal(
        pixels.mean(axis=0), np.cov(pixels, rowvar=False), NUM_IMAGES
    )
    images = np.clip(np.rint(samples), 0, 255).astype(np.uint8).reshape(-1, *data.shape)
    return fid_of_digits(ganeval.Images(torch.from_numpy(images)))


def real_digits(size: int) -> Callable[[int], float]:
    """Return a function that scores 360 training digits, as the floor."""

    def measure(seed: int) -> float:
        real = digits(size=size).batch(seed, 0, NUM_IMAGES)["real"]
        return fid_of_digits(ganeval.Images(real, value_range=(-1, 1)), size=size)

    return measure


DCGAN = Experiment(
    model="dcgan",
    criterion=CRITERION,
    better="lower",
    threshold=0.1,
    control_is="a Gaussian over pixels",
    system=fid_after(dcgan.RECIPE, 400),
    control=pixel_gaussian,
    floor=real_digits(16),
)

_WGAN = with_settings(wgan.RECIPE, preset_of(wgan.RECIPE, "digits"))
WGAN = Experiment(
    model="wgan",
    criterion=CRITERION,
    better="lower",
    threshold=0.1,
    control_is="the same without clipping",
    system=fid_after(_WGAN, 300),
    control=fid_after(with_settings(_WGAN, {"game.clip": 1e6}), 300),
    floor=real_digits(16),
)


_FASTER = {"game.stable_images": 3200, "game.fade_images": 3200}


def growing_to(last: float) -> Recipe:
    """Return the recipe of progressive growing, which stops at a given growth."""

    def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
        game = progan.make_game(recipe, data, randomness)
        game.last = last
        return game

    return replace(with_settings(progan.RECIPE, _FASTER), make_game=make_game)


PROGAN = Experiment(
    model="progan",
    criterion="FID to held-out digits of 8 x 8 pixels, features of `random`",
    better="lower",
    threshold=0.8,
    control_is="the same, but it stays at 4 x 4 pixels",
    system=fid_after(growing_to(1.0), 450, size=8),
    control=fid_after(growing_to(0.0), 450, size=8),
    floor=real_digits(8),
)


def translated(recipe: Recipe, seed: int, *, shuffled: bool = False) -> npt.NDArray[np.uint8]:
    """Return pictures that pix2pix makes from the held-out edges, uint8 [360, 3, 16, 16].

    It is trained on the true pairs or on shuffled ones.
    """
    data = edges()
    if shuffled:
        assert data.condition is not None
        data = replace(data, condition=np.roll(data.condition, 1, axis=0))
    run = trained(recipe, data, steps=500, seed=seed)
    source = ganeval.open_source(
        as_source(run.average, recipe, data, num_images=NUM_IMAGES, seed=seed),
        policy=ganeval.Settings().decode,
    )
    return np.stack([item.picture().pixels for item in source.load(range(NUM_IMAGES))])


def distance_to_target(*, shuffled: bool) -> Callable[[int], float]:
    """Return a function that compares pix2pix's pictures for held-out edges with the digits."""

    def measure(seed: int) -> float:
        made = translated(pix2pix.RECIPE, seed, shuffled=shuffled)
        wanted = edges(split="test").pixels
        return float(np.abs(made.astype(np.float64) - wanted).mean() / 255)

    return measure


PIX2PIX = Experiment(
    model="pix2pix",
    criterion="mean absolute difference to the digits of held-out edges, pixels from 0 to 1",
    better="lower",
    threshold=0.12,
    control_is="shuffled pairs",
    system=distance_to_target(shuffled=False),
    control=distance_to_target(shuffled=True),
)
