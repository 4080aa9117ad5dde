"""Files of sound."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO, ClassVar

from ganeval.audio.clip import SUFFIXES, Clip
from ganeval.audio.decode import ClipHeader, check_header, decode, read_header
from ganeval.audio.fit import ClipFit
from ganeval.audio.packages import decoder
from ganeval.sources.files.medium import Overview

MAX_SECONDS = 3600.0
"""Longer files are refused unless the user says otherwise: such recordings should be cut first."""


@dataclass(frozen=True, slots=True)
class Sounds:
    """Files of sound, decoded by libsndfile and brought to one form."""

    fit: ClipFit
    max_seconds: float = MAX_SECONDS

    content: ClassVar[str] = "clip"
    noun: ClassVar[str] = "clips"
    suffixes: ClassVar[tuple[str, ...]] = SUFFIXES
    alike: ClassVar[frozenset[str]] = frozenset(
        (
            *("aac", "ac3", "aifc", "amr", "ape", "au", "caf", "m4a", "mka", "mp2", "ra", "snd"),
            *("spx", "tta", "w64", "weba", "webm", "wma", "wv"),
        )
    )
    left_alone: ClassVar[str] = "files of other sound formats"

    def settings(self) -> dict[str, object]:
        """Return the decoder, and the form that clips are brought to."""
        return {"decoder": decoder(), **self.fit.settings()}

    def read_header(self, stream: IO[bytes], *, name: str) -> ClipHeader:
        """Return the header of a sound file."""
        return read_header(stream, name=name, max_seconds=self.max_seconds)

    def check_header(self, header: ClipHeader, *, name: str) -> None:
        """Raise InputError if a header shows that its clip is unusable."""
        check_header(header, name=name, max_seconds=self.max_seconds)

    def decode(self, content: bytes, name: str) -> Clip:
        """Return the clip in a file's bytes."""
        return self.fit(decode(content, name=name, max_seconds=self.max_seconds), name)

    def overview(self, headers: Iterable[tuple[str, ClipHeader]]) -> Overview:
        """Return the rates, channels, codecs and lengths of the files as they are stored."""
        found = [header for _, header in headers]
        if not found:
            return Overview()
        seconds = [header.seconds for header in found]
        codecs = Counter(f"{header.format} {header.subtype}" for header in found)
        return Overview(
            found={
                "native_rates": _counted(header.rate for header in found),
                "native_channels": _counted(header.channels for header in found),
                "codecs": dict(sorted(codecs.items())),
                "native_seconds": [min(seconds), max(seconds)],
            }
        )

    def length(self, header: ClipHeader) -> tuple[int, int]:
        """Return how many samples the clip of a file has, and its rate."""
        return self.fit.length(header.frames, header.rate), self.fit.rate or header.rate

    def lenient(self) -> None:
        """Return None: no fault hides another one."""


def _counted(numbers: Iterable[int]) -> dict[str, int]:
    """Return how often each number occurs, the smallest first."""
    return {str(number): num for number, num in sorted(Counter(numbers).items())}
