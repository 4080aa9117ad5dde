"""Resample clips from one rate to another."""

import numpy as np

from ganeval.audio.clip import Clip, Samples
from ganeval.audio.packages import load


def resampled_length(num: int, rate: int, wanted: int) -> int:
    """Return the number of samples that `num` samples get at another rate; halves round up."""
    return (2 * num * wanted + rate) // (2 * rate)


def resample(samples: Samples, rate: int, wanted: int) -> Samples:
    """Return float32 [channels, samples] at another rate, by soxr in its quality HQ.

    A clip that is already at that rate stays as it is. Frequencies above half of the new rate are
    filtered out. `resampled_length` gives the length, which is at least 1.
    """
    if rate == wanted:
        return samples
    found = load("soxr").resample(np.ascontiguousarray(samples.T), rate, wanted, quality="HQ")
    length = max(resampled_length(samples.shape[1], rate, wanted), 1)
    fitted = np.zeros((len(samples), length), np.float32)
    kept = min(length, len(found))
    fitted[:, :kept] = found[:kept].T
    return fitted


def at_rate(clip: Clip, wanted: int) -> Clip:
    """Return a clip at another rate, with a note on its old rate."""
    if clip.rate == wanted:
        return clip
    note = f"resampled from {clip.rate:,} to {wanted:,} Hz"
    return Clip(resample(clip.samples, clip.rate, wanted), wanted, (*clip.notes, note))
