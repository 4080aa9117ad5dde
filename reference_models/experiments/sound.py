"""Sound: bits per sample, and sounds restored from a quarter of their samples."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from scipy.interpolate import CubicSpline
from torch import Tensor

from reference_models import audio_sr, wavenet
from reference_models.data.lagchain import lagchain
from reference_models.data.tones import FACTOR, Tones, tones
from reference_models.engine.data import Batch
from reference_models.engine.kinds.clips import HELD_OUT
from reference_models.engine.settings import with_settings
from reference_models.experiments.base import Experiment
from reference_models.experiments.measure import trained
from reference_models.parts.likelihood import NetworkOfClips, bits_of_samples
from reference_models.parts.spectra import lsd, snr

NUM_CLIPS = 2000  # held out
CHAIN_STEPS = 600
NOTE_STEPS = 400
NUM_NOTES = 64  # held out
NOTE_SAMPLES = 2048  # one frame of the log-spectral distance


def excess(layers: int) -> Callable[[int], float]:
    """Return a function that trains on the chain and divides bits per symbol by the entropy.

    Args:
        layers: Number of layers of one stack: the network sees 2^layers symbols back.
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
            network = cast(NetworkOfClips, run.average)
            bits = bits_of_samples(network, data.batch(HELD_OUT, 0, NUM_CLIPS))
        return float(bits.mean()) / data.entropy

    return measure


def excess_of_the_chain(seed: int) -> float:
    """Return the ratio for the chain itself, estimated from the same number of clips."""
    data = lagchain()
    bits = data.bits(data.batch(HELD_OUT, 0, NUM_CLIPS)["real"])
    return float(np.mean(bits)) / data.entropy


WAVENET = Experiment(
    model="wavenet",
    criterion="bits per held-out symbol of lagchain, divided by the entropy",
    better="lower",
    threshold=1.02,
    control_is="a receptive field of 8 symbols, where the lag is 12",
    system=excess(layers=4),
    control=excess(layers=3),
    floor=excess_of_the_chain,
)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Shuffled(Tones):
    """Notes with the conditions of other notes."""

    def batch(self, seed: int, position: int, size: int) -> Batch:
        """Return a part of the stream, with the conditions shifted by one note."""
        batch = Tones.batch(self, seed, position, size)
        return Batch({"real": batch["real"], "condition": batch["condition"].roll(1, dims=0)})


@functools.cache
def completed(seed: int, *, shuffled: bool) -> tuple[Tensor, Batch]:
    """Return a trained network's output for held-out notes, and the notes; cached."""
    recipe = with_settings(
        audio_sr.RECIPE,
        {
            "optimizers.G.lr": 2e-3,
            "batch_size": 4,
            "ema_half_life": 40.0,
            "steps": NOTE_STEPS,
        },
    )
    make = Shuffled if shuffled else Tones
    run = trained(recipe, make(num_samples=NOTE_SAMPLES), steps=NOTE_STEPS, seed=seed)
    batch = tones(size=NOTE_SAMPLES).batch(HELD_OUT, 0, NUM_NOTES)
    with torch.inference_mode():
        return run.average(batch["condition"]), batch


def through(low: Tensor) -> Tensor:
    """Return scipy's cubic spline through sounds [B, C, n], floats [B, C, FACTOR n]."""
    at = np.arange(low.shape[-1]) * FACTOR
    smooth = CubicSpline(at, low.double().numpy(), axis=-1)(np.arange(at.size * FACTOR))
    return torch.from_numpy(smooth).to(low.dtype)


def above_spline(*, shuffled: bool) -> Callable[[int], float]:
    """Return a function that measures the network's gain in SNR over a spline, in decibels."""

    def measure(seed: int) -> float:
        made, batch = completed(seed, shuffled=shuffled)
        return float(
            (snr(made, batch["real"]) - snr(through(batch["condition"]), batch["real"])).mean()
        )

    return measure


def distance_of_spectra(*, shuffled: bool) -> Callable[[int], float]:
    """Return a function that divides the log-spectral distance by the spline's."""

    def measure(seed: int) -> float:
        made, batch = completed(seed, shuffled=shuffled)
        of_spline = lsd(through(batch["condition"]), batch["real"]).mean()
        return float(lsd(made, batch["real"]).mean() / of_spline)

    return measure


AUDIO_SR = Experiment(
    model="audio-sr",
    criterion="gain in SNR over a cubic spline, held-out tones from a quarter of samples, in dB",
    better="higher",
    threshold=3.0,
    control_is="shuffled pairs",
    system=above_spline(shuffled=False),
    control=above_spline(shuffled=True),
)
AUDIO_SR_LSD = Experiment(
    model="audio-sr",
    criterion="log-spectral distance to held-out tones, divided by a cubic spline's",
    better="lower",
    threshold=0.8,
    control_is="shuffled pairs",
    system=distance_of_spectra(shuffled=False),
    control=distance_of_spectra(shuffled=True),
)
