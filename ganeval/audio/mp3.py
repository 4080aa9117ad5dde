"""Find out what libsndfile does not tell: whether an MP3 file says how long it is.

The headers of frames follow ISO 11172-3 and 13818-3.
"""

from typing import IO

_FIRST_FRAME = 2_048  # bytes that hold the tag of the first frame
_LAYER_3 = 1
_KILOBITS = (
    (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),  # MPEG 2 and 2.5
    (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),  # MPEG 1
)
_RATES = (44_100, 48_000, 32_000)  # of MPEG 1
_PART_OF_RATE = {3: 1, 2: 2, 0: 4}  # by the version in a header: MPEG 1, 2 and 2.5


def says_its_length(stream: IO[bytes]) -> bool:
    """Tell whether the first frame of an MP3 file gives their number, as most encoders write it.

    Args:
        stream: The file, seekable; it is left at its start.
    """
    stream.seek(_first_frame(stream))
    frame = stream.read(_FIRST_FRAME)
    stream.seek(0)
    return any(tag in frame for tag in (b"Xing", b"Info", b"VBRI"))


def has_one_bit_rate(stream: IO[bytes]) -> bool:
    """Tell whether all frames of an MP3 file have one bit rate, so that its length can be guessed.

    Args:
        stream: The file, seekable; it is left at its start.
    """
    at = _first_frame(stream)
    found = set()
    while True:
        stream.seek(at)
        frame = _frame(stream.read(4))
        if frame is None:
            break
        kilobits, size = frame
        found.add(kilobits)
        at += size
    stream.seek(0)
    return len(found) == 1


def _first_frame(stream: IO[bytes]) -> int:
    """Return where the first frame begins: after a tag, whose length has 7 bits in each byte."""
    stream.seek(0)
    beginning = stream.read(10)
    if beginning[:3] != b"ID3" or len(beginning) < 10:
        return 0
    return 10 + sum((byte & 0x7F) << 7 * place for place, byte in enumerate(beginning[:5:-1]))


def _frame(header: bytes) -> tuple[int, int] | None:
    """Return bit rate and number of bytes of a frame by its header; None if it is not a frame."""
    if len(header) < 4 or header[0] != 0xFF or header[1] < 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    bits, rate, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version not in _PART_OF_RATE or layer != _LAYER_3 or bits in (0, 15) or rate == 3:
        return None
    kilobits = _KILOBITS[version == 3][bits - 1]
    bytes_of_second = 144_000 if version == 3 else 72_000
    hertz = _RATES[rate] // _PART_OF_RATE[version]
    return kilobits, bytes_of_second * kilobits // hertz + padding
