"""A clip as a picture of its frequencies over time, and as a short file to listen to."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ganeval.audio.clip import Clip
from ganeval.audio.fit import mono
from ganeval.audio.resample import at_rate
from ganeval.audio.wav import encode_wav

HEARD_SECONDS = 2.0
HEARD_RATE = 16_000

_QUIETEST = 80.0  # dB below the loudest point; anything quieter is black
_WINDOW = 512  # samples; shorter clips have shorter windows
_LEAST = 1e-12


def spectrogram(clip: Clip, width: int, height: int) -> npt.NDArray[np.float64]:
    """Return the level of each frequency at each time, float64 [height, width] from 0 to 1.

    Time goes to the right, frequency upwards to half the rate. 1 is the loudest point of the clip,
    and 0 is anything 80 dB or more below it. A silent clip is 0 everywhere.
    """
    samples = mono(clip).samples[0].astype(np.float64)
    window = max(min(_WINDOW, len(samples)), 2)
    padded = np.pad(samples, (window // 2, window))
    starts = np.linspace(0, len(samples) - 1, width).round().astype(int)
    frames = np.stack([padded[start : start + window] for start in starts])
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(window), axis=1)))
    edges = np.linspace(0, power.shape[1], height + 1).astype(int)
    bands = np.stack(
        [power[:, low : max(high, low + 1)].max(axis=1) for low, high in pairwise(edges)]
    )
    loudest = bands.max()
    if loudest <= _LEAST:
        return np.zeros((height, width))
    level = 10 * np.log10(np.maximum(bands / loudest, _LEAST))
    found: npt.NDArray[np.float64] = np.clip(1 + level / _QUIETEST, 0, 1)[::-1]
    return found


def excerpt(clip: Clip) -> bytes:
    """Return the first two seconds as a WAV file: one channel, 16 bits, at most 16,000 Hz."""
    short = Clip(mono(clip).samples[:, : round(HEARD_SECONDS * clip.rate)], clip.rate)
    return encode_wav(at_rate(short, min(clip.rate, HEARD_RATE)), bits=16)
