"""The size of a WebP picture, read from its header alone.

Pillow makes the decoder of a WebP file when it opens the file, and the decoder allocates whole
canvases: 2 GB for the largest picture. So a size has to be known before.
"""

import struct

NUM_BYTES = 30
"""How many bytes of a file are looked at."""


def webp_size(start: bytes) -> tuple[int, int] | None:
    """Return width and height, as the first bytes of a WebP file state them (RFC 9649, 2.5 to 2.7).

    Args:
        start: The beginning of the file, at least `NUM_BYTES` of it if it is so long.

    Returns:
        None if the file ends before, or if the first chunk is none that states a size; no decoder
        reads such a file.
    """
    if len(start) < NUM_BYTES:
        return None
    kind, head = start[12:16], start[:NUM_BYTES]
    if kind == b"VP8X":  # with metadata, an alpha channel or frames: the canvas, 24 bits a side
        low, high = struct.unpack_from("<HB", head, 24), struct.unpack_from("<HB", head, 27)
        return low[0] + (low[1] << 16) + 1, high[0] + (high[1] << 16) + 1
    if kind == b"VP8L":  # lossless: 14 bits a side behind the signature
        (bits,) = struct.unpack_from("<I", head, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":  # lossy: 14 bits a side, and 2 bits of a scale that nobody applies
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None
