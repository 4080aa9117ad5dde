"""Decode a sound file to a clip; every deviation is refused or noted."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from ganeval.audio import mp3
from ganeval.audio.clip import Clip
from ganeval.audio.packages import load
from ganeval.audio.samples import check_rate, checked_clip
from ganeval.audio.whole import check_whole
from ganeval.errors import InputError

FORMATS = ("WAV", "WAVEX", "RF64", "FLAC", "OGG", "MP3", "AIFF")
"""libsndfile's names of the formats that are read."""

_COUNTED = 2**16  # samples that are decoded at once to be counted
_UNKNOWN_LENGTH = 2**63 - 1  # libsndfile's length for a stream that does not tell it


@dataclass(frozen=True, slots=True)
class ClipHeader:
    """The header of a sound file.

    Attributes:
        frames: Number of samples in each channel.
        rate: Sampling rate, in samples per second.
        channels: Number of channels.
        format: One of `FORMATS`.
        subtype: libsndfile's name of the codec and the depth ("PCM_16", "VORBIS").
    """

    frames: int
    rate: int
    channels: int
    format: str
    subtype: str

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.frames / self.rate


def read_header(content: IO[bytes] | bytes, *, name: str, max_seconds: float) -> ClipHeader:
    """Read the header of a sound file; no sample is decoded.

    Args:
        content: The file, opened for reading from its start and seekable, or its bytes.
        name: Its name in messages.
        max_seconds: Longer files are refused.

    Raises:
        InputError: It is not a sound file in one of `FORMATS`, it is damaged, cut short, empty, or
            longer than `max_seconds`, or its rate is impossible. The text begins with `name`.
    """
    stream = io.BytesIO(content) if isinstance(content, bytes) else content
    check_whole(stream, name=name)
    says_length = mp3.says_its_length(stream)
    one_bit_rate = says_length or mp3.has_one_bit_rate(stream)
    with _opened(stream, name) as file:
        if file.format == "MP3" and not one_bit_rate:
            raise InputError(
                f"{name}: an MP3 file of several bit rates that does not say how long it is",
                "a file that does, since libsndfile guesses, and reads only a part",
                "convert it to WAV or FLAC",
            )
        header = _header_of(file, says_length=says_length or file.format != "MP3")
    check_header(header, name=name, max_seconds=max_seconds)
    return header


def check_header(header: ClipHeader, *, name: str, max_seconds: float) -> None:
    """Refuse a clip whose header shows that it is unusable.

    Raises:
        InputError: See `read_header`.
    """
    if header.format not in FORMATS:
        raise InputError(f"{name}: a {header.format} file", _NEEDED, "convert it to WAV or FLAC")
    check_rate(header.rate, name=name)
    if header.frames < 1:
        raise InputError(f"{name}: no samples", "a clip of sound", "remove or replace it")
    if header.seconds > max_seconds:
        raise InputError(
            f"{name}: {header.seconds:,.1f} s long",
            f"at most {max_seconds:,g} s",
            "cut it into clips, or raise max_seconds, for example folder:PATH,max_seconds=7200",
        )


def decode(content: bytes, *, name: str, max_seconds: float) -> Clip:
    """Decode a sound file as it is stored: at its own rate, with its own channels.

    Integers of n bits are divided by 2^(n-1). Floats stay as they are. Safe to call from any
    thread.

    Args:
        content: The bytes of the file.
        name: Its name in messages; the clip does not depend on it.
        max_seconds: Longer files are refused.

    Raises:
        InputError: As in `read_header` and `checked_clip`, or the file has fewer samples than its
            header says.
    """
    header = read_header(content, name=name, max_seconds=max_seconds)
    with _opened(io.BytesIO(content), name) as file:
        samples = file.read(header.frames, dtype="float32", always_2d=True)
    if len(samples) != header.frames:
        raise InputError(
            f"{name}: truncated or damaged ({len(samples):,} of {header.frames:,} samples)",
            "a whole file",
            "make or download it again",
        )
    return checked_clip(np.ascontiguousarray(samples.T), header.rate, name=name)


_NEEDED = "a WAV, FLAC, Ogg, MP3 or AIFF file"


@contextmanager
def _opened(stream: IO[bytes], name: str) -> Iterator[Any]:
    """Open a file with libsndfile, and turn what it raises into our own error."""
    soundfile = load("soundfile")
    beginning = stream.read(64)
    stream.seek(0)
    try:
        with soundfile.SoundFile(stream) as file:
            yield file
    except (soundfile.LibsndfileError, RuntimeError, TypeError, ValueError, OSError) as error:
        raise InputError(f"{name}: {_found(beginning, error)}", _NEEDED, "make it again") from error


def _found(beginning: bytes, error: Exception) -> str:
    """Say what is wrong with a file that libsndfile does not read."""
    if not beginning:
        return "an empty file"
    if beginning.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, whose content was not fetched"
    if beginning[:1] in b"<{" or _is_text(beginning):
        return "text, not sound"
    reason = str(getattr(error, "error_string", "") or error).strip().rstrip(".")
    return f"damaged, or not sound ({reason or 'libsndfile does not say why'})"


def _is_text(beginning: bytes) -> bool:
    """Tell whether a file begins like text."""
    return all(32 <= byte < 127 or byte in b"\t\r\n" for byte in beginning)


def _header_of(file: Any, *, says_length: bool) -> ClipHeader:
    """Return libsndfile's header of a file; samples are counted if it does not know their number.

    Args:
        file: The opened file.
        says_length: Whether the file says how long it is; if not, libsndfile only guesses.
    """
    frames = 0 if file.frames in (-1, _UNKNOWN_LENGTH) else file.frames
    if not says_length:
        frames = 0
        while num := len(file.read(_COUNTED, dtype="float32")):
            frames += num
    return ClipHeader(frames, file.samplerate, file.channels, file.format, file.subtype)
