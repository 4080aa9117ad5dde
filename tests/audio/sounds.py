"""Sounds for tests: tones whose every sample is known, and files of them."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

RATE = 16_000


def tone(
    hertz: float = 440.0, *, seconds: float = 0.5, rate: int = RATE, loud: float = 0.5
) -> npt.NDArray[np.float32]:
    """A sine, float32 [1, samples]."""
    at = np.arange(round(seconds * rate)) / rate
    return (loud * np.sin(2 * np.pi * hertz * at))[None].astype(np.float32)


def tones(num: int, *, seed: int = 0, seconds: float = 0.5, rate: int = RATE) -> list[Any]:
    """Chords of three tones with a little noise."""
    rng = np.random.default_rng(seed)
    chords = []
    for pitches in rng.uniform(100, 3000, (num, 3)):
        chord = sum(tone(hertz, seconds=seconds, rate=rate, loud=0.2) for hertz in pitches)
        chords.append((chord + rng.normal(0, 0.01, (1, chord.shape[1]))).astype(np.float32))
    return chords


def encoded(
    samples: npt.NDArray[Any], kind: str = "WAV", subtype: str | None = None, rate: int = RATE
) -> bytes:
    """A file of samples [channels, samples]."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples.T, rate, format=kind, subtype=subtype)
    return buffer.getvalue()
