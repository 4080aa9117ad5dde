"""Sources whose pictures are uint8 arrays, in memory or in a file."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ganeval.errors import InputError
from ganeval.images.decode import MINIMUM_SIZE
from ganeval.images.picture import Picture
from ganeval.images.seen import Seen
from ganeval.sources.base import Item, SourceInfo
from ganeval.sources.fit import Fit
from ganeval.sources.items import Reader

Pixels = npt.NDArray[np.uint8]
"""One picture, uint8 [C, H, W] with 1 channel (grey) or 3 (RGB)."""

Labelled = Callable[[], tuple[str, ...] | None]
"""Returns the labels of a source's items, or raises InputError; see `Source.labels`."""

SHAPES = "[N, 3, H, W], [N, H, W, 3], the same with 1 channel, or [N, H, W]"


def no_labels() -> None:
    """Return None: there are no labels."""


def numbers(count: int) -> Sequence[str]:
    """Return the names of items without names: their numbers from 0."""
    return tuple(map(str, range(count)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadySource:
    """A source whose facts are all known when it is opened.

    Attributes:
        info: Facts about it.
        reader: How its items are read.
        labelled: Returns their labels; see `Source.labels`.
        named: Returns their names within the source; None: they are called by their numbers.
    """

    info: SourceInfo
    reader: Reader[Any]
    labelled: Labelled = no_labels
    named: Callable[[], Sequence[str]] | None = None

    def __len__(self) -> int:
        return self.info.count

    def load(self, indices: Sequence[int]) -> list[Item]:
        """Read and hash the items at `indices`; see `Source.load`."""
        return self.reader.load(indices)

    def unusable(self) -> Mapping[int, str]:
        """Return nothing: an array has no header that could be wrong."""
        return {}

    def names(self) -> Sequence[str]:
        """Return the names of the items, or their numbers if they have no names."""
        return numbers(len(self)) if self.named is None else self.named()

    def labels(self) -> tuple[str, ...] | None:
        """Return the class of each item; see `Source.labels`."""
        return self.labelled()


def array_source(
    images: Pixels,
    *,
    kind: str,
    location: str,
    name: str,
    fit: Fit,
    seen: Seen | None = None,
    labelled: Labelled = no_labels,
) -> ReadySource:
    """Return the pictures of an array as a source.

    Args:
        images: uint8, [N, 3, H, W], [N, H, W, 3], the same with 1 channel, or [N, H, W]; may be
            memory-mapped. It is read when items are loaded.
        kind: Name in the table of sources.
        location: As the user wrote it.
        name: Name of the array in messages.
        fit: The size that pictures are brought to.
        seen: The values of all images before they were rounded; None: uint8 values are recorded as
            they are read.
        labelled: Returns the labels of the images.

    Raises:
        InputError: The type or shape is wrong, there are no images, or they are below 8 pixels a
            side.
    """
    channels_first = as_channels_first(images, name=name)
    num, _, height, width = channels_first.shape
    of_bytes = Seen()

    def read(index: int) -> Pixels:
        # A copy, so that what was hashed cannot change with the array or its file.
        pixels = np.array(channels_first[index], order="C", copy=True)
        of_bytes.add(pixels)
        return pixels

    return ReadySource(
        info=SourceInfo(
            kind=kind,
            location=location,
            count=num,
            settings=fit.settings(),
            sizes={(width, height): num},
            seen=seen or of_bytes,
        ),
        reader=Reader(
            name=lambda index: f"{name}[{index}]",
            read=read,
            num_bytes=lambda pixels: pixels.nbytes,
            digest=array_digest,
            decode=lambda pixels, _: fit(to_picture(pixels)),
        ),
        labelled=labelled,
    )


def as_channels_first(images: npt.NDArray[Any], *, name: str) -> Pixels:
    """Return a view of many pictures as uint8 [N, C, H, W] with C 1 or 3; see `array_source`."""
    if images.dtype != np.uint8:
        raise not_uint8(name, str(images.dtype))
    if images.ndim not in (3, 4):
        raise wrong_shape(name, images.shape, f"shape {SHAPES}")
    if len(images) == 0:
        raise InputError(f"{name}: no images (shape {images.shape})", "at least one", "add some")
    first, last = images.shape[1] in (1, 3), images.shape[-1] in (1, 3)
    if images.ndim == 3:
        if images.shape[0] in (1, 3) or last:
            raise wrong_shape(name, images.shape, f"{SHAPES}; this may be a single picture")
        images = images[:, None]
    elif first and last:
        raise wrong_shape(
            name, images.shape, "one axis of 1 or 3 channels, so that the layout is clear"
        )
    elif last:
        images = images.transpose(0, 3, 1, 2)
    elif not first:
        raise wrong_shape(name, images.shape, f"1 or 3 channels, as in {SHAPES}")
    check_extent(images[0], name=name)
    return images


def check_extent(pixels: Pixels, *, name: str) -> None:
    """Refuse a picture, [C, H, W], that is too small to mean anything."""
    height, width = pixels.shape[1:]
    if min(height, width) < MINIMUM_SIZE:
        raise InputError(
            f"{name}: {width} x {height} pixels",
            f"at least {MINIMUM_SIZE} pixels on each side",
            "use larger pictures, or check the layout",
        )


def not_uint8(name: str, dtype: str) -> InputError:
    """Return the error for pixels that are not bytes."""
    return InputError(
        f"{name}: values of type {dtype}",
        "uint8 from 0 to 255, or floats whose range is declared",
        "convert them, or declare the range: ganeval.Images(data, value_range=(low, high)), or "
        "ganeval.Accumulator(value_range=(low, high)) for a stream",
    )


def wrong_shape(name: str, shape: tuple[int, ...], needed: str) -> InputError:
    """Return the error for an array that does not look like images."""
    return InputError(f"{name}: shape {list(shape)}", needed, "transpose, expand or crop it")


def array_digest(pixels: npt.NDArray[Any]) -> bytes:
    """Return the digest of one picture, which does not depend on its stored layout."""
    text = f"array {pixels.dtype} " + ",".join(str(extent) for extent in pixels.shape) + "\n"
    return hashlib.sha256(text.encode() + pixels.tobytes()).digest()


def to_picture(pixels: npt.NDArray[Any]) -> Picture:
    """Return a grey or RGB picture as RGB."""
    if len(pixels) == 3:
        return Picture(pixels)
    return Picture(np.repeat(pixels, 3, axis=0), ("grey to RGB",))
