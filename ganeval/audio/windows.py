"""Cut clips into windows of one length, for distances between sets of sounds."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from ganeval.audio.clip import Clip
from ganeval.audio.fit import mono
from ganeval.audio.packages import resampler
from ganeval.audio.resample import at_rate, resampled_length
from ganeval.errors import UsageError

_LEAST_PEAK = 0.1  # no clip is raised by more than 20 dB


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Look at windows of clips of sound; windows of one clip are not independent.

    A clip is mixed to mono, resampled, and changed as `bits`, `peak` and `shortest` say, before it
    is cut, so that filters act on its ends once.

    Attributes:
        seconds: Length of a window.
        rate: Sampling rate.
        hop: Seconds from the beginning of one window to the beginning of the next; None: the length
            of a window. A rest at the end that is shorter than a window is left out.
        peak: "google" divides a clip by its highest value, or by 0.1 if that is lower. The lowest
            value plays no part, as in Google's code. "as-is" leaves the clip.
        bits: 16 rounds samples to integers of 16 bits; None leaves them.
        shortest: Shorter clips get zeros at their end, up to so many seconds.

    Raises:
        UsageError: A length or hop is not above 0.
    """

    seconds: float
    rate: int = 16_000
    hop: float | None = None
    peak: Literal["as-is", "google"] = "as-is"
    bits: Literal[16] | None = None
    shortest: float = 0.0

    def __post_init__(self) -> None:
        for name in ("seconds", "hop"):
            value = getattr(self, name)
            if value is not None and not 1 / self.rate <= value < float("inf"):
                raise UsageError(
                    f"windows with {name}={value}",
                    f"at least one sample, {1 / self.rate:g} s",
                    f"change {name}",
                )

    def starts(self, num: int, rate: int) -> list[int]:
        """Return where the windows of a clip of `num` samples at a rate begin; may be empty."""
        length = max(resampled_length(num, rate, self.rate), self._shortest)
        step = max(round((self.hop or self.seconds) * self.rate), 1)
        return list(range(0, length - self._length + 1, step))

    def prepare(self, clip: Clip) -> Clip:
        """Return a clip prepared for cutting."""
        clip = at_rate(mono(clip), self.rate)
        samples = clip.samples
        if self.bits == 16:
            samples = np.clip(np.rint(samples * 32768.0), -32768, 32767) / np.float32(32768)
        if self.peak == "google":
            samples = samples / np.float32(max(_LEAST_PEAK, float(samples.max())))
        missing = self._shortest - samples.shape[1]
        if missing > 0:
            samples = np.pad(samples, ((0, 0), (0, missing)))
        return Clip(samples.astype(np.float32), self.rate, clip.notes)

    def window(self, prepared: Clip, start: int) -> Clip:
        """Return the window of a prepared clip that begins at a sample."""
        samples = np.ascontiguousarray(prepared.samples[:, start : start + self._length])
        return Clip(samples, prepared.rate, prepared.notes)

    def to_json(self) -> dict[str, Any]:
        """Return the facts for cache keys and reports, as JSON values."""
        return {**asdict(self), "resampler": resampler()}

    @property
    def _length(self) -> int:
        """The number of samples of a window."""
        return max(round(self.seconds * self.rate), 1)

    @property
    def _shortest(self) -> int:
        """The smallest number of samples of a prepared clip."""
        return round(self.shortest * self.rate)
