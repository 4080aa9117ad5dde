"""The log-mel spectrogram of VGGish, the basis of Google's Frechet audio distance.

Hershey et al., "CNN Architectures for Large-Scale Audio Classification" (ICASSP 2017), section 3.1,
with the parameters that were published with the network (`vggish_params.py` of its repository).
"""

from functools import cache

import numpy as np
import numpy.typing as npt

Spectrum = npt.NDArray[np.float64]

RATE = 16_000
WINDOW = 400  # samples: 25 ms
HOP = 160  # samples: 10 ms
TRANSFORM = 512  # the next power of two
BANDS = 64
LOWEST, HIGHEST = 125.0, 7500.0  # Hz
OFFSET = 0.01  # before the logarithm
EXAMPLE = 96  # frames that VGGish sees at once


def log_mel(samples: npt.NDArray[np.floating], rate: int = RATE) -> Spectrum:
    """Return the logarithm of the mel spectrogram, float64 [frames, 64].

    It takes frames of 25 ms every 10 ms that lie wholly inside, under a periodic Hann window, adds
    up the magnitudes (not powers) of their spectra in triangles on the mel scale, and returns log(m
    + 0.01).

    Args:
        samples: One channel, [samples], at least 400 samples.
        rate: Sampling rate; VGGish has 16,000 Hz.
    """
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), WINDOW)[::HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi / WINDOW * np.arange(WINDOW))
    magnitudes = np.abs(np.fft.rfft(frames * window, TRANSFORM))
    found: Spectrum = np.log(magnitudes @ mel_matrix(rate) + OFFSET)
    return found


@cache
def mel_matrix(rate: int = RATE) -> Spectrum:
    """Return the triangles on the mel scale, float64 [257, 64]: weights of the spectrum's bins.

    The mel scale is that of HTK, 1127 ln(1 + f / 700), and the sides of the triangles are straight
    on it.
    """
    bins = _mel(np.linspace(0.0, rate / 2, TRANSFORM // 2 + 1))[:, None]
    edges = np.linspace(_mel(np.array(LOWEST)), _mel(np.array(HIGHEST)), BANDS + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    weights: Spectrum = np.maximum(0.0, np.minimum(rising, falling))
    weights.setflags(write=False)  # it is cached
    return weights


def _mel(hertz: Spectrum) -> Spectrum:
    """Return frequencies on the mel scale."""
    found: Spectrum = 1127.0 * np.log1p(hertz / 700.0)
    return found
