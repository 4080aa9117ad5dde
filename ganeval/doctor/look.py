"""What one picture shows, in a few hundred bytes."""

from dataclasses import dataclass

import numpy as np
import PIL.Image
import PIL.ImageStat

from ganeval.doctor.detail import detail_above, repeats
from ganeval.doctor.likeness import Thumbnails, thumbnail
from ganeval.images.decode import Header
from ganeval.images.picture import Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What there is to say of a picture once its pixels are gone.

    Attributes:
        name: Its name in messages.
        digest: Digest of its content; see `Item`.
        width: Its width as it is scored.
        height: Its height as it is scored.
        header: What its file says of it; None if it is no file.
        notes: What decoding ignored or converted.
        low: Smallest value.
        high: Largest value.
        contrast: Standard deviation of its grey values.
        is_grey: Whether its three channels are equal.
        detail: See `detail_above`.
        repeats: See `repeats`.
        thumbnail: See `thumbnail`.
    """

    name: str
    digest: bytes
    width: int
    height: int
    header: Header | None
    notes: tuple[str, ...]
    low: int
    high: int
    contrast: float
    is_grey: bool
    detail: tuple[float, ...]
    repeats: int
    thumbnail: Thumbnails

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture as it is stored, before the source's `size` option."""
        if self.header is None:
            return self.width, self.height
        return self.header.width, self.header.height


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A picture that scoring would refuse.

    Attributes:
        name: Its name in messages.
        found: What is wrong; begins with `name`.
        needed: What is needed instead.
        remedy: What to do.
    """

    name: str
    found: str
    needed: str
    remedy: str


def look_at(picture: Picture, *, name: str, digest: bytes, header: Header | None) -> Look:
    """Return what a picture shows."""
    pixels = picture.pixels
    grey = PIL.Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).convert("L")
    _, height, width = pixels.shape
    return Look(
        name=name,
        digest=digest,
        width=width,
        height=height,
        header=header,
        notes=picture.notes,
        low=int(pixels.min()),
        high=int(pixels.max()),
        contrast=PIL.ImageStat.Stat(grey).stddev[0],
        is_grey=bool((pixels[0] == pixels[1]).all() and (pixels[1] == pixels[2]).all()),
        detail=detail_above(pixels),
        repeats=repeats(pixels),
        thumbnail=thumbnail(grey),
    )
