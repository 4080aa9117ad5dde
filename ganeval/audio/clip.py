"""The one form of sound inside ganeval."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SUFFIXES = ("wav", "flac", "ogg", "oga", "opus", "mp3", "aif", "aiff")

Samples = npt.NDArray[np.float32]
"""Float32 [channels, samples]; full scale is -1 to 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A clip of sound, with notes on how it was decoded.

    >>> import numpy as np
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    >>> Clip(tone[None].astype(np.float32), rate=16_000).seconds
    1.0

    Attributes:
        samples: Float32 [channels, samples]. Full scale is -1 to 1; floats and samples decoded by
            lossy codecs may go a little beyond it.
        rate: Sampling rate, in samples per second.
        notes: Short fixed phrases (`"mixed to mono"`, `"silent"`) that are counted over a source
            and shown in the report.
    """

    samples: Samples
    rate: int
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return float(self.samples.shape[1] / self.rate)
