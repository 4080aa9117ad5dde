"""Arithmetic on latents: red square - blue square + blue disc should be a red disc."""

import functools
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations, product

import numpy as np
import torch
from torch import Tensor

import ganeval
from reference_models import dcgan
from reference_models.data.pictures import Pictures
from reference_models.data.shapes import COLOURS, SHAPES, SIDE, shapes
from reference_models.engine.draw import Draw
from reference_models.engine.settings import with_settings
from reference_models.experiments.base import Experiment
from reference_models.experiments.measure import trained

RADIUS = 4
STEPS = 1500
LATENT_SIZE = 100
NUM_SAMPLES = 10_000
NUM_REPEATS = 5

_RECIPE = with_settings(
    dcgan.RECIPE,
    {
        "generator.latent_size": LATENT_SIZE,
        "optimizers.D.lr": 1e-3,
        "optimizers.G.lr": 1e-3,
    },
)


def middle_shapes() -> Pictures:
    """Return the largest shapes in the middle: 12 pictures, one of each shape and colour.

    With every place and radius, each of the 12 classes would have 192 pictures, and the mean latent
    would be nearly the same for all classes.
    """
    every = shapes()
    assert every.attributes is not None
    assert every.labels is not None
    kept = (every.attributes[:, 2:] == (SIDE // 2, SIDE // 2, RADIUS)).all(axis=1)
    return replace(
        every,
        pixels=every.pixels[kept],
        labels=every.labels[kept],
        attributes=every.attributes[kept],
    )


@functools.lru_cache(maxsize=1)
def _generator(seed: int) -> torch.nn.Module:
    """Return a trained generator; cached, because system and control use the same one."""
    average: torch.nn.Module = trained(_RECIPE, middle_shapes(), steps=STEPS, seed=seed).average
    return average.eval()


@torch.inference_mode()
def _look(generator: torch.nn.Module, latents: Tensor, data: Pictures) -> tuple[Tensor, Tensor]:
    """Return the class of the real picture nearest to each sample, and its distance."""
    samples = torch.cat([generator(some) for some in torch.split(latents, 500)]).flatten(1)
    real = data.batch(0, 0, len(data))  # one epoch, so each picture once
    distances, nearest = torch.cdist(samples, real["real"].flatten(1)).min(dim=1)
    return real["labels"][nearest], distances


def results_asked_for(num_examples: int) -> Callable[[int], float]:
    """Return a function that measures how often arithmetic gives the requested shape and colour.

    For each two shapes and each two colours, (shape 1, colour 1) - (shape 1, colour 2) + (shape 2,
    colour 2) should give (shape 2, colour 1). The examples are drawn from the half of the samples
    that is nearest to real pictures, as a person would choose clear examples.

    Args:
        num_examples: Number of latents in the mean for each term.
    """

    def measure(seed: int) -> float:
        data, generator, draw = middle_shapes(), _generator(seed), Draw(seed, 0)
        latents = draw.normal("samples", NUM_SAMPLES, LATENT_SIZE)
        classes, distances = _look(generator, latents, data)
        clear = distances < distances.median()
        chance = draw.stream("examples")

        def examples(shape: int, colour: int) -> Tensor:
            among = ((classes == len(COLOURS) * shape + colour) & clear).nonzero().flatten().numpy()
            return latents[chance.choice(among, num_examples, replace=False)]

        pairs = product(permutations(range(len(SHAPES)), 2), permutations(range(len(COLOURS)), 2))
        results, wanted = [], []
        for (first, second), (one, other) in list(pairs) * NUM_REPEATS:
            added = [examples(first, one), examples(second, other)]
            results.append(ganeval.latent_arithmetic(added, [examples(first, other)]))
            wanted.append(len(COLOURS) * second + one)
        found, _ = _look(generator, torch.stack(results), data)
        return float(np.mean(found.numpy() == np.array(wanted)))

    return measure


DCGAN = Experiment(
    model="dcgan",
    criterion="share of sums of means of 30 latents that give the requested shape and colour",
    better="higher",
    threshold=0.5,
    control_is="single latents in place of means",
    system=results_asked_for(30),
    control=results_asked_for(1),
)
