"""Pictures from anything that ganeval reads."""

import shlex

import numpy as np
import numpy.typing as npt

import ganeval
from reference_models.data.pictures import Pictures, with_channels

_CHUNK = 64  # files in memory at a time while decoding


def source_pictures(location: str, *, size: int | None = None, channels: int = 3) -> Pictures:
    """Return all pictures of a source, decoded by ganeval's default policy.

    Args:
        location: As on ganeval's command line (`"folder:faces/,size=64,crop=center"`).
        size: Height and width that the pictures must have; None allows any one size, if square.
        channels: 3, or 1 for grey pictures.

    Raises:
        GanevalError: The source or a picture in it cannot be used, the pictures differ in size or
            are not square or not of the size asked for, or have colour where grey is asked for.
    """
    pixels = read_pixels(location)
    height, width = pixels.shape[2:]
    if height != width or size not in (None, width):
        raise ganeval.GanevalError(
            f"{location}: pictures of {width}x{height} pixels",
            "square ones" if size is None else f"{size}x{size}",
            f"name them as `{_with(location, f'size={size or 32},crop=center')}`",
        )
    return Pictures(name=location, pixels=with_channels(pixels, channels, name=location))


def read_pixels(location: str) -> npt.NDArray[np.uint8]:
    """Return the pictures of a source in their order, uint8 [N, 3, H, W] RGB.

    Raises:
        GanevalError: The source or a picture in it cannot be used, or sizes differ.
    """
    source = ganeval.open_source(location, policy=ganeval.Settings().decode)
    pixels = None
    for start in range(0, len(source), _CHUNK):
        indices = range(start, min(start + _CHUNK, len(source)))
        for index, item in zip(indices, source.load(indices), strict=True):
            try:
                picture = item.picture().pixels
            except ganeval.GanevalError as error:
                if "--transparency" not in error.remedy:  # an option that scoring alone has
                    raise
                text = _with(location, "transparency=white")
                remedy = f"name them as `{text}` (or black, or drop)"
                raise ganeval.GanevalError(error.found, error.needed, remedy) from error
            if pixels is None:
                pixels = np.empty((len(source), *picture.shape), np.uint8)
            if picture.shape != pixels.shape[1:]:
                raise ganeval.GanevalError(
                    f"{item.name}: {picture.shape[2]}x{picture.shape[1]} pixels",
                    f"one size for all, and the first is {pixels.shape[3]}x{pixels.shape[2]}",
                    f"name them as `{_with(location, 'size=32,crop=center')}`, with a size of "
                    "your own",
                )
            pixels[index] = picture
    assert pixels is not None  # ganeval opens no source without pictures
    return pixels


def _with(location: str, options: str) -> str:
    """Return the text of a source with more options, as it can be typed."""
    kind = ganeval.open_source(location, policy=ganeval.Settings().decode).info.kind
    text = location if location.startswith(f"{kind}:") else f"{kind}:{location}"
    return shlex.quote(f"{text},{options}")
