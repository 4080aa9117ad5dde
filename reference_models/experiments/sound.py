"""Sound: how many bits a sample takes, and what is heard of a quarter of the samples."""

from collections.abc import Callable
from typing import cast

import numpy as np
import torch

from reference_models import wavenet
from reference_models.data.lagchain import lagchain
from reference_models.engine.kinds.clips import HELD_OUT, LikelyNetwork, bits_per_sample
from reference_models.engine.settings import with_settings
from reference_models.experiments.base import Experiment
from reference_models.experiments.measure import trained

NUM_CLIPS = 2000  # held out
CHAIN_STEPS = 600


def excess(layers: int) -> Callable[[int], float]:
    """Return what trains on the chain and compares the bits that a symbol takes with its entropy.

    Args:
        layers: Of one stack: the network sees 2^layers symbols back.
    """
    recipe = with_settings(
        wavenet.RECIPE,
        {
            "generator.num_levels": 8,
            "generator.width": 16,
            "generator.num_stacks": 1,
            "generator.layers_per_stack": layers,
            "optimizers.G.lr": 5e-3,
            "optimizers.G.decay": "linear",
            "batch_size": 32,
            "ema_half_life": 800.0,
            "steps": CHAIN_STEPS,
        },
    )

    def measure(seed: int) -> float:
        data = lagchain()
        run = trained(recipe, data, steps=CHAIN_STEPS, seed=seed)
        with torch.inference_mode():
            network = cast(LikelyNetwork, run.average)
            bits = bits_per_sample(network, data.batch(HELD_OUT, 0, NUM_CLIPS))
        return float(bits.mean()) / data.entropy

    return measure


def excess_of_the_chain(seed: int) -> float:
    """Return the same for the chain itself, as far as so many clips tell."""
    data = lagchain()
    bits = data.bits(data.batch(HELD_OUT, 0, NUM_CLIPS)["real"])
    return float(np.mean(bits)) / data.entropy


WAVENET = Experiment(
    model="wavenet",
    criterion="bits that a held-out symbol of lagchain takes, over its entropy",
    better="lower",
    threshold=1.02,
    control_is="a receptive field of 8 symbols, where the lag is 12",
    system=excess(layers=4),
    control=excess(layers=3),
    floor=excess_of_the_chain,
)
