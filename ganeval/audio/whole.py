"""Check that a sound file is complete, if libsndfile does not check it.

libsndfile reads a truncated WAV, AIFF or Ogg file as if it were a shorter one. For FLAC and MP3 it
checks the length.
"""

import io
import struct
from typing import IO

from ganeval.errors import InputError

_UNKNOWN = (0, 0xFFFFFFFF)  # the length that programs write if they do not know it beforehand
_MOST_CHUNKS = 1_000  # chunks before the sound; more mean damage
_LONGEST_PAGE = 27 + 255 + 255 * 255  # bytes of a page of Ogg
_LAST = 0x04  # bit of a page's flags


def check_whole(stream: IO[bytes], *, name: str) -> None:
    """Refuse a WAV, AIFF or Ogg file that is incomplete, or would be read only in part.

    Args:
        stream: The file, seekable; it is left at its start.
        name: Its name in messages.

    Raises:
        InputError: It was cut short, or has several Ogg streams one after the other.
    """
    stream.seek(0)
    beginning = stream.read(12)
    kind, form = beginning[:4], beginning[8:12]
    if kind in (b"RIFF", b"RF64") and form == b"WAVE":
        _check_chunks(stream, name, order="<", sound=b"data")
    elif kind == b"FORM" and form in (b"AIFF", b"AIFC"):
        _check_chunks(stream, name, order=">", sound=b"SSND")
    elif kind == b"OggS":
        _check_last_page(stream, name, serial=_serial(stream))
    stream.seek(0)


def _check_chunks(stream: IO[bytes], name: str, *, order: str, sound: bytes) -> None:
    """Go to the chunk with the samples and compare its stated length with the file."""
    end = stream.seek(0, io.SEEK_END)
    at = 12
    long: int | None = None
    for _ in range(_MOST_CHUNKS):
        stream.seek(at)
        header = stream.read(8)
        if len(header) < 8:
            return  # without sound, which decoding reports
        kind, size = header[:4], int(struct.unpack(f"{order}I", header[4:])[0])
        if kind == b"ds64":  # the lengths of an RF64 file, in 64 bits
            long = struct.unpack("<Q", stream.read(16)[8:].ljust(8, b"\0"))[0]
        if kind == sound:
            if size in _UNKNOWN:
                if long is None:
                    return
                size = long
            if at + 8 + size > end:
                raise _truncated(name, f"{end - at - 8:,} of {size:,} bytes of sound")
            return
        at += 8 + size + size % 2


def _serial(stream: IO[bytes]) -> bytes:
    """Return the serial number of the first stream in an Ogg file."""
    stream.seek(14)
    return stream.read(4)


def _check_last_page(stream: IO[bytes], name: str, *, serial: bytes) -> None:
    """Check that the last page of an Ogg file is whole, and is the last of its first stream.

    If there are several streams one after the other, libsndfile reads only the first.
    """
    end = stream.seek(0, io.SEEK_END)
    stream.seek(max(end - _LONGEST_PAGE, 0))
    tail = stream.read(_LONGEST_PAGE)
    page = tail[tail.rfind(b"OggS") :]
    num_segments = page[26] if len(page) > 26 else 255
    length = 27 + num_segments + sum(page[27 : 27 + num_segments])
    if not page.startswith(b"OggS") or len(page) < length or not page[5] & _LAST:
        raise _truncated(name, "its last page is missing")
    if page[14:18] != serial:
        raise InputError(
            f"{name}: several Ogg streams", "one stream", "split it into one file each"
        )


def _truncated(name: str, how: str) -> InputError:
    """Return the error for a file that was cut short."""
    return InputError(f"{name}: truncated ({how})", "a whole file", "make or download it again")
