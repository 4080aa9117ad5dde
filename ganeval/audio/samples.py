"""Rules for all samples: one scale, finite, not empty, a sensible rate."""

from numbers import Integral

import numpy as np
import numpy.typing as npt

from ganeval.audio.clip import Clip, Samples
from ganeval.errors import InputError

RATES = (1_000, 768_000)
"""The lowest and the highest rate of a clip; rates outside are mistakes."""

SILENT = "silent"
CLIPPED = "clipped at full scale"
BEYOND = "values beyond -1 to 1"

_HIGHEST = 8.0  # 18 dB above full scale; larger values were never scaled to -1 to 1
_FULL_SCALE = 1 - 2.0**-7  # the largest value of 8 bits, the coarsest format
_RUN = 4  # consecutive equal samples at full scale; a sine rarely has so many


def to_float(samples: npt.NDArray[np.generic], *, name: str) -> npt.NDArray[np.float32]:
    """Return samples of any integer or floating type as float32, full scale -1 to 1.

    Signed integers of n bits are divided by 2^(n-1). Unsigned ones are first shifted down by
    2^(n-1). Floats stay as they are.

    Raises:
        InputError: They have another type. Or they are integers of 32 bits whose values need only
            16, so that the sound would be 96 dB too quiet.
    """
    kind, bits = samples.dtype.kind, 8 * samples.dtype.itemsize
    if kind == "f":
        return samples.astype(np.float32)
    if kind not in "iu" or bits > 32:
        raise InputError(
            f"{name}: samples of type {samples.dtype}",
            "floats from -1 to 1, or integers of 8 to 32 bits",
            "convert them",
        )
    half = 2.0 ** (bits - 1)
    if bits == 32 and samples.size and samples.any():
        low, high = int(samples.min()), int(samples.max())
        around = 0 if kind == "i" else int(half)
        if max(abs(low - around), abs(high - around)) <= 2**15 or (kind == "u" and high < 2**16):
            raise InputError(
                f"{name}: samples from {low:,} to {high:,} in integers of 32 bits",
                "integers that fill their bits",
                "convert them to 16 bits, or to floats from -1 to 1",
            )
    wide = samples.astype(np.float64) - (half if kind == "u" else 0)
    return (wide / half).astype(np.float32)


def check_rate(rate: int, *, name: str) -> None:
    """Refuse an impossible rate.

    Raises:
        InputError: It is not a whole number, or below 1,000 or above 768,000 samples a second.
    """
    low, high = RATES
    if not isinstance(rate, Integral) or isinstance(rate, bool):
        raise InputError(
            f"{name}: {rate!r} samples a second",
            f"a whole number from {low:,} to {high:,}",
            "correct the rate, for example with `int(rate)`",
        )
    if not low <= rate <= high:
        raise InputError(
            f"{name}: {rate:,} samples a second",
            f"a rate from {low:,} to {high:,} Hz",
            "correct the rate",
        )


def checked_clip(samples: Samples, rate: int, *, name: str) -> Clip:
    """Return samples as a clip, with notes on anything odd.

    Args:
        samples: Float32 [channels, samples].
        rate: Sampling rate.
        name: Its name in messages.

    Raises:
        InputError: There are no samples, one is NaN or infinite, they go far beyond -1 to 1, or the
            rate is impossible.
    """
    check_rate(rate, name=name)
    if samples.size == 0:
        raise InputError(f"{name}: no samples", "a clip of sound", "remove or replace it")
    low, high = float(samples.min()), float(samples.max())
    if not np.isfinite([low, high]).all():
        num = int((~np.isfinite(samples)).sum())
        raise InputError(
            f"{name}: {num:,} samples are NaN or infinite", "finite samples", "make it again"
        )
    if max(-low, high) > _HIGHEST:
        raise InputError(
            f"{name}: samples from {low:.4g} to {high:.4g}",
            "samples from -1 to 1",
            "divide them by full scale (32768 for samples of 16 bits)",
        )
    notes = []
    if (samples == samples[:, :1]).all():
        notes.append(SILENT)
    elif _is_clipped(samples):
        notes.append(CLIPPED)
    if low < -1 or high > 1:
        notes.append(BEYOND)
    return Clip(samples, rate, tuple(notes))


def _is_clipped(samples: Samples) -> bool:
    """Tell whether several consecutive samples are equal and at full scale."""
    flat = (samples[:, 1:] == samples[:, :-1]) & (np.abs(samples[:, 1:]) >= _FULL_SCALE)
    if flat.shape[1] < _RUN - 1 or not flat.any():
        return False
    windows = np.lib.stride_tricks.sliding_window_view(flat, _RUN - 1, axis=1)
    return bool(windows.all(axis=2).any())
