"""The spectrum of a sound, and two measures of how near two clips are: SNR and LSD.

Kuleshov, Enam and Ermon, "Audio Super-Resolution using Neural Nets", ICLR 2017 (workshop), section
4, define both for a clip y and its approximation x:

    SNR = 10 log10(|y|^2 / |x - y|^2)                                          in dB
    LSD = mean over l of sqrt(mean over k of (log10 |Y_lk|^2 - log10 |X_lk|^2)^2)

where Y_lk is frequency k of frame l. As in their code, frames have 2,048 samples, and 1e-8 is added
to the power. Unlike here, their code has the natural logarithm, and its inner mean is over frames.
"""

import torch
from torch import Tensor

FRAME = 2048  # samples
_LEAST = 1e-8  # is added to the power, so that silence has a logarithm


def power(clips: Tensor, frame: int, hop: int) -> Tensor:
    """Return the power of each frequency in each frame, floats [..., frame / 2 + 1, frames].

    Frames have a Hann window and are centred at every `hop`-th sample. A clip counts as silent
    beyond its ends.

    Args:
        clips: Floats [..., T].
        frame: Samples in a frame.
        hop: Samples from one frame to the next.
    """
    window = torch.hann_window(frame, dtype=clips.dtype, device=clips.device)
    flat = clips.reshape(-1, clips.shape[-1])
    spectra = torch.stft(flat, frame, hop, window=window, pad_mode="constant", return_complex=True)
    return spectra.abs().square().reshape(*clips.shape[:-1], *spectra.shape[1:])


def snr(made: Tensor, truth: Tensor) -> Tensor:
    """Return the signal-to-noise ratio of clips [B, C, T] in dB, floats [B]."""
    signal = truth.square().flatten(1).sum(dim=1)
    noise = (made - truth).square().flatten(1).sum(dim=1)
    return 10 * (signal / noise).log10()


def lsd(made: Tensor, truth: Tensor, *, frame: int = FRAME) -> Tensor:
    """Return the log-spectral distance of clips [B, C, T], floats [B]."""
    far = [(power(clips, frame, frame // 4) + _LEAST).log10() for clips in (made, truth)]
    by_frame = (far[0] - far[1]).square().mean(dim=-2).sqrt()
    return by_frame.flatten(1).mean(dim=1)
