"""Write a clip as a WAV file, the same bytes for the same clip."""

import struct

import numpy as np

from ganeval.audio.clip import Clip

_FLOAT, _INTEGER = 3, 1  # format codes of WAV
_COMMENT = b"ICMT"


def encode_wav(clip: Clip, *, bits: int = 32, comment: str = "") -> bytes:
    """Return a clip as a WAV file.

    Args:
        clip: The clip.
        bits: 32 for floats, which keep every bit of the samples; 16 for integers, to which they are
            rounded and clipped.
        comment: An ASCII text that the file carries, which `comment_of` returns.
    """
    channels = len(clip.samples)
    values = clip.samples.T.astype("<f4")
    if bits == 16:
        values = np.clip(np.rint(values * 32768.0), -32768, 32767).astype("<i2")
    data, block = values.tobytes(), channels * bits // 8
    code = _FLOAT if bits == 32 else _INTEGER
    form = struct.pack("<HHIIHH", code, channels, clip.rate, clip.rate * block, block, bits)
    chunks = [_chunk(b"fmt ", form)]
    if code == _FLOAT:
        chunks.append(_chunk(b"fact", struct.pack("<I", len(values))))
    if comment:
        text = comment.encode("ascii") + b"\0"
        chunks.append(_chunk(b"LIST", b"INFO" + _chunk(_COMMENT, text)))
    body = b"WAVE" + b"".join(chunks) + _chunk(b"data", data)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def comment_of(content: bytes) -> str | None:
    """Return the comment of a WAV file that `encode_wav` has written, else None."""
    at = content.find(_COMMENT, 0, 512)
    if not content.startswith(b"RIFF") or at < 0:
        return None
    (length,) = struct.unpack("<I", content[at + 4 : at + 8])
    return content[at + 8 : at + 8 + length].rstrip(b"\0").decode("ascii", "replace")


def _chunk(name: bytes, content: bytes) -> bytes:
    """Return a chunk of a RIFF file, of even length."""
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
