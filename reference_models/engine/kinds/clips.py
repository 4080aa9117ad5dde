"""Clips of sound: a checkpoint with its rate, spectrograms, and scores on held-out clips."""

import math
from collections.abc import Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import torch
from matplotlib import colormaps
from torch import Tensor, nn

import ganeval
from reference_models.engine.data import Data, open_data, unknown
from reference_models.engine.inputs import inputs_of
from reference_models.engine.kinds import Score, Scoring, known_names, known_scores
from reference_models.engine.kinds.checkpoints import Checkpoints
from reference_models.engine.kinds.pictures import PICTURES
from reference_models.engine.recipe import Recipe
from reference_models.parts.likelihood import NetworkOfClips, bits_of_samples
from reference_models.parts.spectra import lsd, power, snr

HELD_OUT = 1_000_000  # a seed of endless data; no run trains with it
TILE = 64  # pixels of a spectrogram; its width may be a little larger
QUIETEST = -80.0  # decibels shown as black; 0 dB is the loudest possible tone
_COLOURS = "magma"


class Sounding(Data, Protocol):
    """Data of clips."""

    @property
    def rate(self) -> int:
        """Samples per second."""


class Clips(Checkpoints):
    """How clips of sound are exported, shown and scored."""

    def write_preview(self, samples: Tensor, data: Data, path: Path) -> None:
        """Draw the spectrogram of each sample, with time to the right and frequency upwards."""
        PICTURES.write_preview(spectrograms(samples.float().cpu()), data, path)

    @contextmanager
    def scorer(
        self, scoring: Scoring, recipe: Recipe, data: Data, *, seed: int, device: torch.device
    ) -> Iterator["ClipScorer"]:
        """Yield a scorer on a reference's clips, on fresh clips, or on the training clips.

        Raises:
            GanevalError: A metric is unknown, or the reference does not fit the run.
        """
        known = known_names(data)
        own = ("snr", "lsd") if recipe.exported[recipe.main].condition else ("bits",)
        for metric in scoring.metrics or ():
            if metric not in (*own, *known):
                raise unknown(f"metric of {recipe.name}", metric, (*own, *known))
        held_out, num = _held_out(scoring.reference, recipe, data), scoring.num_images
        if isinstance(held_out, Sized):
            num = min(num, len(held_out))
        which = "training" if held_out is data and isinstance(data, Sized) else "held-out"
        conditions = {"num_images": num, "reference": f"{which} clips of {held_out.name}"}
        metrics = scoring.metrics or (*own, *known)
        yield ClipScorer(conditions, metrics, recipe, data, held_out, seed)


CLIPS = Clips()


@dataclass(frozen=True, slots=True, eq=False)
class ClipScorer:
    """Scores generators of clips.

    `bits` are the bits per sample of a network with `log_prob`. `snr` and `lsd` compare the output
    for conditions with the truth. The data may define further scores.

    Attributes:
        conditions: The conditions that comparable scores share.
        metrics: Names of the scores.
        recipe: Recipe of the run.
        data: Data of the run.
        held_out: The data whose clips are scored.
        seed: Seed of the samples.
    """

    conditions: Mapping[str, Any]
    metrics: Sequence[str]
    recipe: Recipe
    data: Data
    held_out: Data
    seed: int

    @torch.inference_mode()
    def score(self, generator: nn.Module, step: int) -> Sequence[Score]:
        """Return the scores of a generator; the scores that the data define come last."""
        num, device = self.conditions["num_images"], next(generator.parameters()).device
        batch = self.held_out.batch(HELD_OUT, 0, num).to(device)
        scores = []
        if "bits" in self.metrics:
            bits = bits_of_samples(cast(NetworkOfClips, generator), batch)
            scores.append(_mean("bits", bits, "lower"))
        if {"snr", "lsd"} & set(self.metrics):
            made, truth = generator(batch["condition"]), batch["real"]
            far = {"snr": snr(made, truth), "lsd": lsd(made, truth)}
            better = {"snr": "higher", "lsd": "lower"}
            scores += [_mean(name, far[name], better[name]) for name in far if name in self.metrics]
        known = [name for name in self.metrics if name in known_names(self.data)]
        if known:
            inputs = inputs_of(
                generator, self.recipe, self.data, num, seed=self.seed, name=self.recipe.main
            )
            scores += known_scores(self.data, generator(*inputs).float().cpu(), known)
        return scores


def _held_out(reference: str | None, recipe: Recipe, data: Data) -> Data:
    """Return the data to score on: a reference, or the run's own.

    Raises:
        GanevalError: The reference has another shape or rate, or lacks an input of the network.
    """
    if reference is None:
        return data
    found = open_data(reference, kind="clips", size=data.shape[1])
    rates = [cast(Sounding, one).rate for one in (data, found)]
    if found.shape != data.shape or rates[0] != rates[1]:
        raise ganeval.GanevalError(
            f"{reference}: clips of shape {found.shape} at {rates[1]} Hz",
            f"{data.shape} at {rates[0]} Hz, as in the run",
            f"add `,rate={rates[0]},channels=mono` to the source",
        )
    needed = [*recipe.reads, *(["labels"] if recipe.num_classes_of(recipe.main) else [])]
    for name in needed:
        if name not in found.names:
            raise ganeval.GanevalError(
                f"{reference}: no {name}",
                f"clips with {name}, for {recipe.name}",
                "choose another reference",
            )
    return found


def spectrograms(clips: Tensor) -> Tensor:
    """Return spectrograms of clips [N, C, T] as pictures [N, 3, TILE, about TILE] in [-1, 1]."""
    frame = 2 * TILE - 2  # samples, so that there are TILE frequencies
    hop = max(clips.shape[-1] // (TILE - 1), 1)
    loudest = frame / 4  # the spectrum of a tone of amplitude 1 under a Hann window
    decibels = 10 * (power(clips.mean(dim=1), frame, hop) / loudest**2 + 1e-10).log10()
    shares = (1 - decibels / QUIETEST).clamp(0, 1).flip(1)
    colours = torch.from_numpy(colormaps[_COLOURS](shares.numpy())[..., :3])
    return 2 * colours.movedim(-1, 1).float() - 1


def _mean(name: str, values: Tensor, direction: str) -> Score:
    """Return the mean over clips, with its standard error and interval."""
    value, se = float(values.mean()), float(values.std() / math.sqrt(len(values)))
    interval = (value - 1.96 * se, value + 1.96 * se)
    return Score(name=name, value=value, direction=direction, se=se, interval=interval)
