"""Bring every clip of a source to one form: rate, channels, length."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ganeval.audio.clip import Clip
from ganeval.audio.packages import resampler
from ganeval.audio.resample import at_rate, resampled_length
from ganeval.audio.samples import RATES
from ganeval.errors import InputError, UsageError

Channels = Literal["keep", "mono"]
Cut = Literal["start", "center", "error"]
Pad = Literal["error", "zeros"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipFit:
    """Bring every clip to one form after decoding, or leave it alone.

    Attributes:
        rate: Sampling rate; None keeps the native rate.
        channels: "mono" takes the mean of all channels, "keep" leaves them.
        seconds: Length; None keeps the native length.
        cut: The part of a longer clip that is kept: "start" or "center"; "error" refuses it.
        pad: "error" refuses a shorter clip; "zeros" adds zeros at its end.

    Raises:
        UsageError: A rate or length makes no sense.
    """

    rate: int | None = None
    channels: Channels = "keep"
    seconds: float | None = None
    cut: Cut = "start"
    pad: Pad = "error"

    def __post_init__(self) -> None:
        if self.rate is not None and not RATES[0] <= self.rate <= RATES[1]:
            raise UsageError(
                f"option 'rate' is {self.rate}", f"{RATES[0]} to {RATES[1]} Hz", "change it"
            )
        if self.seconds is not None and not 0 < self.seconds < float("inf"):
            raise UsageError(f"option 'seconds' is {self.seconds}", "more than 0", "change it")
        if self.seconds is None and (self.cut, self.pad) != ("start", "error"):
            raise UsageError(
                f"options 'cut' and 'pad' are {self.cut} and {self.pad} without a length",
                "the length of a clip",
                "add `,seconds=4`",
            )

    def __call__(self, clip: Clip, name: str) -> Clip:
        """Return the clip in the wanted form.

        Raises:
            InputError: It is shorter or longer than wanted, and the options do not allow that.
        """
        if self.channels == "mono":
            clip = mono(clip)
        if self.rate is not None:
            clip = at_rate(clip, self.rate)
        return clip if self.seconds is None else self._of_length(clip, self.seconds, name)

    def length(self, num: int, rate: int) -> int:
        """Return how many samples a clip of `num` samples at a rate gets."""
        wanted = self.rate or rate
        if self.seconds is not None:
            return max(round(self.seconds * wanted), 1)
        return num if wanted == rate else max(resampled_length(num, rate, wanted), 1)

    def settings(self) -> dict[str, Any]:
        """Return the settings for a source's card, as JSON values."""
        return {
            "rate": self.rate,
            "channels": self.channels,
            "seconds": self.seconds,
            **({} if self.seconds is None else {"cut": self.cut, "pad": self.pad}),
            **({} if self.rate is None else {"resampler": resampler()}),
        }

    def _of_length(self, clip: Clip, seconds: float, name: str) -> Clip:
        """Cut or pad a clip."""
        have, want = clip.samples.shape[1], max(round(seconds * clip.rate), 1)
        if have == want:
            return clip
        if have > want:
            if self.cut == "error":
                raise InputError(
                    f"{name}: {clip.seconds:.4g} s long",
                    f"{seconds:g} s",
                    "cut it, or write `,cut=start` or `,cut=center`",
                )
            start = 0 if self.cut == "start" else (have - want) // 2
            kept = np.ascontiguousarray(clip.samples[:, start : start + want])
            return Clip(kept, clip.rate, (*clip.notes, f"cut to {seconds:g} s"))
        if self.pad == "error":
            raise InputError(
                f"{name}: {clip.seconds:.4g} s long",
                f"at least {seconds:g} s",
                "leave it out, or write `,pad=zeros`",
            )
        padded = np.zeros((len(clip.samples), want), np.float32)
        padded[:, :have] = clip.samples
        return Clip(padded, clip.rate, (*clip.notes, f"padded with zeros to {seconds:g} s"))


def mono(clip: Clip) -> Clip:
    """Return the mean of all channels as one, with a note if there were several."""
    num = len(clip.samples)
    if num == 1:
        return clip
    mixed = clip.samples.mean(axis=0, dtype=np.float64, keepdims=True).astype(np.float32)
    return Clip(mixed, clip.rate, (*clip.notes, f"{num} channels mixed to mono"))
