"""Sound by its frequencies, and two distances of clips: SNR and LSD.

Both as Kuleshov, Enam and Ermon, "Audio Super-Resolution using Neural Nets", ICLR 2017 (workshop),
section 4, define them for a clip y and its approximation x:

    SNR = 10 log10(|y|^2 / |x - y|^2)                                          in dB
    LSD = mean over l of sqrt(mean over k of (log10 |Y_lk|^2 - log10 |X_lk|^2)^2)

where Y_lk is frequency k of frame l. Their code takes frames of 2,048 samples and adds 1e-8 to the
power, as here; its logarithm is the natural one, and it takes the first mean over the frames.
"""

import torch
from torch import Tensor

FRAME = 2048  # samples
_LEAST = 1e-8  # power below which a frequency counts as silent


def power(clips: Tensor, frame: int, hop: int) -> Tensor:
    """Return the power of each frequency in each frame, floats [..., frame / 2 + 1, frames].

    Frames have a Hann window and lie around every `hop`-th sample; beyond its ends a clip is
    silent.

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
    """Return the ratio of signal to noise of each clip in dB, floats [B], of clips [B, C, T]."""
    signal = truth.square().flatten(1).sum(dim=1)
    noise = (made - truth).square().flatten(1).sum(dim=1)
    return 10 * (signal / noise).log10()


def lsd(made: Tensor, truth: Tensor, *, frame: int = FRAME) -> Tensor:
    """Return the log-spectral distance of each clip, floats [B], of clips [B, C, T]."""
    far = [(power(clips, frame, frame // 4) + _LEAST).log10() for clips in (made, truth)]
    by_frame = (far[0] - far[1]).square().mean(dim=-2).sqrt()
    return by_frame.flatten(1).mean(dim=1)
