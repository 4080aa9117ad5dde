"""The one picture format inside ganeval, and the rules for decoding files into it."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy.typing as npt

SUFFIXES = (
    *("png", "jpg", "jpeg", "jfif", "webp", "bmp", "gif", "tif", "tiff", "ppm", "pgm"),
    *("avif", "heic", "heif", "jp2", "jxl"),
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture at its native size, and notes on how it was decoded.

    Attributes:
        pixels: RGB, uint8 [3, H, W]. Views that ask a generator for its unrounded floats give
            float32 [3, H, W] on the same scale of 0 to 255; no other source does.
        notes: Short fixed phrases (`"grey to RGB"`, `"EXIF orientation ignored"`) that are counted
            over a source and shown in the report.
    """

    pixels: npt.NDArray[Any]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodePolicy:
    """How pictures of other kinds become plain 8-bit RGB; part of every cache key.

    Attributes:
        transparency: Pictures with any alpha below opaque: refuse, drop the channel, or composite
            over white or black.
        animated: Pictures with several frames: refuse, or take the first.
        exif: Leave the EXIF orientation alone (as every FID tool does), or apply it.
        float_range: The (low, high) of float pictures (TIFF mode F) that become 0 and 255; without
            it they are refused.
        max_pixels: Larger pictures are refused when their header is read, before any decoding.
    """

    transparency: Literal["error", "drop", "white", "black"] = "error"
    animated: Literal["error", "first"] = "error"
    exif: Literal["ignore", "apply"] = "ignore"
    float_range: tuple[float, float] | None = None
    max_pixels: int = 64_000_000
