"""Notes of known pitch, timbre and envelope, made on the fly, also at a quarter of the rate."""

import hashlib
import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.signal
import torch

import ganeval
from reference_models.data.order import generator
from reference_models.engine.data import Batch, Kind

Floats = npt.NDArray[np.float64]

ATTRIBUTES = ("pitch", "slope", "attack", "decay", "phase")
"""Columns of `Tones.notes`: a MIDI number, the slope of the spectrum, two times in seconds, and
an angle in radians."""

FACTOR = 4  # the conditions have this many times fewer samples
PITCHES = range(40, 65)  # 82 to 330 Hz
NUM_CLASSES = 12  # a class holds pitches that are octaves apart

_LOWEST = (0.5, 0.005, 0.1, 0.0)  # of all attributes except the pitch
_HIGHEST = (1.5, 0.02, 0.5, 2 * np.pi)
_LOUDEST = 0.9
_BLOCK = 256  # notes drawn at once; changing it changes every stream


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Tones:
    """An endless stream of notes; a note is a sum of harmonics times an envelope.

    A note of frequency f, slope b and phase p has the samples

        e(t) sum_k k^-b sin(k (2 pi f t + p)) / sum_k k^-b     k f below 0.45 of the rate
        e(t) = 0.9 min(t / attack, 1) exp(-t / decay)

    All harmonics share one slope and one phase, so the high ones can be computed from the low ones.

    Attributes:
        rate: Samples per second.
        num_samples: Number of samples of a clip, a multiple of `FACTOR`.
    """

    rate: int = 8000
    num_samples: int = 512

    def __post_init__(self) -> None:
        """Check that 4 divides the number of samples (GanevalError)."""
        if self.num_samples % FACTOR or self.num_samples < 1:
            raise ganeval.GanevalError(
                f"tones of {self.num_samples} samples",
                f"a multiple of {FACTOR}",
                "change image_size",
            )

    @property
    def name(self) -> str:
        """Name of the data."""
        return "tones"

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the definition."""
        attributes = [PITCHES.start, PITCHES.stop, *_LOWEST, *_HIGHEST, _LOUDEST]
        definition = ["tones", self.rate, self.num_samples, FACTOR, *attributes, _BLOCK]
        return hashlib.sha256(json.dumps(definition).encode()).hexdigest()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one clip: (1, num_samples)."""
        return (1, self.num_samples)

    @property
    def kind(self) -> Kind:
        """Clips."""
        return "clips"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tensors in its batches; the condition has a quarter of the rate."""
        return ("real", "labels", "condition")

    @property
    def num_classes(self) -> int:
        """12: the label is the pitch modulo an octave, 0 for C."""
        return NUM_CLASSES

    def source_of(self, name: str) -> None:
        """Return None: ganeval has no such source."""

    def notes(self, seed: int, position: int, size: int) -> Floats:
        """Return the attributes of a part of the stream, float64 [size, 5] as in `ATTRIBUTES`."""
        first, last = position // _BLOCK, (position + size - 1) // _BLOCK
        blocks = []
        for block in range(first, last + 1):
            rng = generator(seed, "tones", block)
            pitch = rng.integers(PITCHES.start, PITCHES.stop, size=(_BLOCK, 1))
            others = rng.uniform(_LOWEST, _HIGHEST, size=(_BLOCK, len(_LOWEST)))
            blocks.append(np.concatenate([pitch, others], axis=1))
        start = position - first * _BLOCK
        return np.concatenate(blocks)[start : start + size]

    def batch(self, seed: int, position: int, size: int) -> Batch:
        """Return a part of the stream."""
        notes = self.notes(seed, position, size)
        clips = np.stack([self._played(*note) for note in notes.tolist()])[:, None]
        return Batch(
            {
                "real": torch.from_numpy(clips.astype(np.float32)),
                "labels": torch.from_numpy(notes[:, 0].astype(np.int64) % NUM_CLASSES),
                "condition": torch.from_numpy(decimated(clips).astype(np.float32)),
            }
        )

    def _played(
        self, pitch: float, slope: float, attack: float, decay: float, phase: float
    ) -> Floats:
        """Return the samples of a note, float64 [num_samples]."""
        hertz = 440 * 2 ** ((pitch - 69) / 12)
        harmonics = np.arange(1, int(0.45 * self.rate / hertz) + 1)
        weights = harmonics**-slope
        time = np.arange(self.num_samples) / self.rate
        waves = np.sin(np.outer(2 * np.pi * hertz * time + phase, harmonics))
        envelope = _LOUDEST * np.minimum(time / attack, 1) * np.exp(-time / decay)
        samples: Floats = envelope * (waves @ weights) / weights.sum()
        return samples


def decimated(clips: Floats) -> Floats:
    """Return clips [..., T] at a quarter of their rate, [..., T / 4], in -1 to 1.

    As in Kuleshov et al. 2017, a Chebyshev filter of type I and order 8 runs forwards and
    backwards, which avoids a delay. Then every fourth sample is kept.
    """
    low: Floats = scipy.signal.decimate(clips, FACTOR, axis=-1)
    return low.clip(-1, 1)


def tones(*, size: int = 512, rate: int = 8000) -> Tones:
    """Return notes of 64 milliseconds, or of another length and rate.

    Args:
        size: Number of samples of a note, a multiple of four.
        rate: Samples per second.

    Raises:
        GanevalError: The number of samples is not a multiple of four.
    """
    return Tones(rate=rate, num_samples=size)
