"""Distances between two clips, by samples and by frequencies, in float64.

The formulas of Kuleshov et al., "Audio Super-Resolution using Neural Nets" (ICLR 2017 workshop),
section 4, and of Le Roux et al., "SDR - Half-baked or Well Done?" (ICASSP 2019), equation 5.
"""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from ganeval.audio.log_mel import log_mel

Clips = npt.NDArray[np.float64]
"""Float64 [channels, samples]."""

FRAME, HOP = 2048, 512  # samples of the spectra that LSD compares
_LEAST = 1e-8  # power below which a frequency counts as silent


def signal_and_noise(made: Clips, truth: Clips) -> list[float]:
    """Return the energy of the true clip, and of a clip's deviation from it.

    SNR is 10 log10 of their ratio.
    """
    return [float(np.square(truth).sum()), float(np.square(made - truth).sum())]


def scaled_signal_and_noise(made: Clips, truth: Clips) -> list[float]:
    """Return the same energies as means over channels, with the true clip scaled to fit best.

    With a = <x, y> / |y|^2 these are |a y|^2 and |x - a y|^2; SI-SDR is 10 log10 of their ratio.
    For a silent true clip both are 0.
    """
    signal = noise = 0.0
    for x, y in zip(made, truth, strict=True):
        energy = float(y @ y)
        scaled = y * (float(x @ y) / energy) if energy else y
        signal += float(scaled @ scaled)
        noise += float(np.square(x - scaled).sum()) if energy else 0.0
    return [signal / len(made), noise / len(made)]


def log_spectral_distance(made: Clips, truth: Clips) -> list[float]:
    """Return the mean over frames and channels of the root mean squared difference of spectra.

    For each frame, differences of log10(|Y|^2 + 1e-8) are averaged over frequencies. Frames of
    2,048 samples under a periodic Hann window are centred at every 512th sample; beyond its ends a
    clip counts as silent.
    """
    one, other = (np.log10(_power(clip) + _LEAST) for clip in (made, truth))
    return [float(np.sqrt(np.square(one - other).mean(axis=-1)).mean())]


def log_mel_distance(made: Clips, truth: Clips) -> list[float]:
    """Return the mean absolute difference of the log-mel spectra of two clips of 16,000 Hz."""
    channels = [
        np.abs(log_mel(one) - log_mel(other)).mean() for one, other in zip(made, truth, strict=True)
    ]
    return [float(np.mean(channels))]


def _power(clip: Clips) -> Clips:
    """Return the power of each frequency, [channels, frames, 1025]."""
    padded = np.pad(clip, ((0, 0), (FRAME // 2, FRAME // 2)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME, axis=1)[:, ::HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi / FRAME * np.arange(FRAME))
    found: Clips = np.square(np.abs(np.fft.rfft(frames * window)))
    return found


Measure = Callable[[Clips, Clips], list[float]]

MEASURES: Mapping[str, tuple[Measure, int]] = {
    "energies": (signal_and_noise, 2),
    "scaled-energies": (scaled_signal_and_noise, 2),
    "lsd": (log_spectral_distance, 1),
}
"""Measures of clips at their own rate, each with its number of values."""

SPECTRAL: Mapping[str, tuple[Measure, int]] = {"log-mel": (log_mel_distance, 1)}
"""Measures of clips at 16,000 Hz, each with its number of values."""
