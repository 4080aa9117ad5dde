"""What a generator makes of the class that it is asked for."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from sklearn.neighbors import KNeighborsClassifier

from reference_models import projection
from reference_models.data.digits import digits
from reference_models.data.pictures import Pictures
from reference_models.engine.draw import Draw
from reference_models.engine.recipe import OptimizerSpec
from reference_models.engine.settings import with_settings
from reference_models.experiments.base import Experiment
from reference_models.experiments.measure import trained

SIZE = 8
NUM_IMAGES = 1000

_PROJECTION = replace(
    with_settings(projection.RECIPE, {"batch_size": 32}),
    optimizers={player: OptimizerSpec(lr=2e-3, betas=(0.0, 0.9)) for player in ("D", "G")},
)


def _nearest(data: Pictures) -> KNeighborsClassifier:
    """Return what finds the class of the nearest real digit."""
    return KNeighborsClassifier(1).fit(data.pixels.reshape(len(data), -1), data.labels)


def recognised(*, shuffled: bool) -> Callable[[int], float]:
    """Return what trains and measures how often the nearest digit is of the class asked for."""

    def measure(seed: int) -> float:
        real = digits(size=SIZE)
        assert real.labels is not None
        labels = np.random.default_rng(seed).permutation(real.labels) if shuffled else real.labels
        run = trained(_PROJECTION, replace(real, labels=labels), steps=500, seed=seed)
        options = _PROJECTION.networks["generator"]
        z = Draw(0, 0).normal("measure", NUM_IMAGES, options["latent_size"])
        wanted = torch.arange(NUM_IMAGES) % options["num_classes"]
        with torch.inference_mode():
            made = run.average(z, wanted)
        pixels = (made.flatten(1) + 1) * 127.5
        return float(_nearest(real).score(pixels.numpy(), wanted.numpy()))

    return measure


def real_recognised(seed: int) -> float:
    """Measure the same of held-out real digits, which no seed changes."""
    held_out = digits(size=SIZE, split="test")
    pixels = held_out.pixels.reshape(len(held_out), -1)
    return float(_nearest(digits(size=SIZE)).score(pixels, held_out.labels))


PROJECTION = Experiment(
    model="projection",
    criterion="samples whose nearest real digit is of the class asked for (of 1)",
    better="higher",
    threshold=0.5,
    control_is="shuffled labels",
    system=recognised(shuffled=False),
    control=recognised(shuffled=True),
    floor=real_recognised,
)
