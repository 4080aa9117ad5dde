"""How clips are prepared for networks, as values that print, hash and compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from ganeval.audio.clip import Clip
from ganeval.audio.fit import mono
from ganeval.audio.log_mel import EXAMPLE, HOP, RATE, WINDOW, log_mel
from ganeval.audio.packages import resampler
from ganeval.audio.resample import at_rate
from ganeval.errors import InputError

if TYPE_CHECKING:  # a run whose features are all known loads no torch
    import torch


@dataclass(frozen=True, slots=True)
class LogMel:
    """Take the log-mel spectrogram of a clip; see `log_mel`."""

    takes: ClassVar[str] = "clip"

    def __call__(self, content: object, /) -> torch.Tensor:
        """Return the spectrogram of a clip of any length, float32 [frames, 64].

        Raises:
            InputError: It is not a clip, or shorter than a frame.
        """
        import torch

        found = log_mel(_channel(content, RATE, WINDOW))
        return torch.from_numpy(found.astype(np.float32))

    def to_json(self) -> dict[str, Any]:
        """Return the facts for cache keys and reports, as JSON values."""
        return {"clip": "mono", "rate": RATE, "resampler": resampler(), "spectrum": "log-mel"}


@dataclass(frozen=True, slots=True)
class LogMelExamples:
    """Take the log-mel spectrogram of a clip in the pieces that VGGish sees: 96 frames, 0.96 s."""

    takes: ClassVar[str] = "clip"

    def __call__(self, content: object, /) -> torch.Tensor:
        """Return all whole pieces one after the other, float32 [pieces, 96, 64].

        Raises:
            InputError: It is not a clip, or shorter than a piece.
        """
        import torch

        samples = _channel(content, RATE, WINDOW + (EXAMPLE - 1) * HOP)
        found = log_mel(samples).astype(np.float32)
        num = len(found) // EXAMPLE
        return torch.from_numpy(found[: num * EXAMPLE].reshape(num, EXAMPLE, -1))

    def to_json(self) -> dict[str, Any]:
        """Return the facts for cache keys and reports, as JSON values."""
        return {**LogMel().to_json(), "frames": EXAMPLE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """Cut a clip into frames, each brought to mean 0 and standard deviation 1.

    Attributes:
        rate: Sampling rate.
        window: Samples of a frame.
        hop: Samples from one frame to the next.
    """

    takes: ClassVar[str] = "clip"

    rate: int
    window: int
    hop: int

    def __call__(self, content: object, /) -> torch.Tensor:
        """Return the frames centred at 0, hop, 2 hop, ..., float32 [1 + samples // hop, window].

        Half a window of zeros is added before and after the clip. The standard deviation has ddof
        1, in float32, and is at least 1e-10.

        Raises:
            InputError: It is not a clip.
        """
        import torch

        samples = np.pad(_channel(content, self.rate, 1), self.window // 2)
        views = np.lib.stride_tricks.sliding_window_view(samples, self.window)[:: self.hop]
        frames = torch.from_numpy(views.copy())
        frames -= frames.mean(dim=1, keepdim=True)
        frames /= frames.std(dim=1, keepdim=True).clamp_min(1e-10)
        return frames

    def to_json(self) -> dict[str, Any]:
        """Return the facts for cache keys and reports, as JSON values."""
        return {
            "clip": "mono",
            "rate": self.rate,
            "resampler": resampler(),
            "window": self.window,
            "hop": self.hop,
        }


def _channel(content: object, rate: int, least: int) -> npt.NDArray[np.float32]:
    """Return the content, which has to be a clip, as one channel at a rate.

    Raises:
        InputError: It is something else, or has fewer samples than `least`.
    """
    if not isinstance(content, Clip):
        raise InputError(
            f"a {type(content).__name__.lower()}, not a clip of sound",
            "clips",
            "name a source of clips",
        )
    samples: npt.NDArray[np.float32] = at_rate(mono(content), rate).samples[0]
    if len(samples) < least:
        raise InputError(
            f"a clip of {content.seconds:.4g} s",
            f"at least {least / rate:.4g} s, which the network needs",
            "leave out short clips, or pad them, for example "
            f"folder:PATH,seconds={least / rate:.4g},pad=zeros",
        )
    return samples


@dataclass(frozen=True, slots=True)
class ClipPair:
    """Take two clips of one rate, length and number of channels.

    Attributes:
        rate: Sampling rate that both are brought to; None leaves them.
    """

    takes: ClassVar[str] = "pair of clips"

    rate: int | None = None

    def __call__(self, content: object, /) -> torch.Tensor:
        """Return both clips, float32 [2, channels, samples].

        Args:
            content: A tuple of two `Clip`s.

        Raises:
            InputError: It is something else, the clips differ in form, or are too short for a frame
                at the rate that they are brought to.
        """
        import torch

        both = content if isinstance(content, tuple) else ()
        if len(both) != 2 or not all(isinstance(one, Clip) for one in both):
            raise InputError(
                f"a {type(content).__name__.lower()}, not a pair of clips",
                "pairs of clips",
                "choose a metric that looks at single clips",
            )
        forms = [(one.rate, *one.samples.shape) for one in both]
        if forms[0] != forms[1]:
            told = [
                f"{samples:,} samples at {rate:,} Hz in {channels} channel{'s' * (channels > 1)}"
                for rate, channels, samples in forms
            ]
            raise InputError(
                f"a clip of {told[0]} and one of {told[1]}",
                "pairs of clips of one rate, length and number of channels",
                "bring both sources to one form, for example "
                "folder:PATH,rate=16000,channels=mono,seconds=2",
            )
        if self.rate is None:
            return torch.from_numpy(np.stack([one.samples for one in both]))
        found = np.stack([at_rate(one, self.rate).samples for one in both])
        if found.shape[2] < WINDOW:
            raise InputError(
                f"clips of {both[0].seconds:.4g} s",
                f"at least {WINDOW / RATE:g} s",
                "leave out short clips",
            )
        return torch.from_numpy(found)

    def to_json(self) -> dict[str, Any]:
        """Return the facts for cache keys and reports, as JSON values."""
        if self.rate is None:
            return {"pair": "as they are", "rate": None}
        return {"pair": "resampled", "rate": self.rate, "resampler": resampler()}
