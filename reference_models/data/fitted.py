"""A source of pictures of one size, opened and checked, with only its first picture decoded."""

import shlex
from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL.Image

import ganeval
from reference_models.data.classes import Classes, classes_of
from reference_models.data.mapped import Pixels


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Fitted:
    """A source whose pictures have one size.

    Attributes:
        text: Its name as it can be typed, with the requested size.
        source: As `ganeval.open_source` returns it.
        shape: Height and width of every picture; they are equal.
        classes: Classes of the pictures; None if there are none.
    """

    text: str
    source: Any
    shape: tuple[int, int]
    classes: Classes | None

    @property
    def is_remote(self) -> bool:
        """Whether the source is on another machine."""
        return "://" in self.text

    def picture(self, item: Any) -> Pixels:
        """Return the picture of an item, uint8 [3, H, W] RGB.

        Raises:
            GanevalError: The picture cannot be used, or has another size.
        """
        pixels = _decoded(item, self.text, self.source)
        if pixels.shape[1:] != self.shape:
            raise _other_size(item.name, (pixels.shape[2], pixels.shape[1]), self.shape)
        return pixels


def fit_source(
    location: str, *, size: int | None, crop: str, index: Any, keep_own_size: bool = False
) -> Fitted:
    """Open a source and check that its pictures have one size, if their headers say it.

    Args:
        location: As on ganeval's command line; a `size=` in it must agree with `size`, if that is
            given.
        size: Height and width to which the source resizes its pictures; None if they have one size
            already.
        crop: The source's option `crop`, which goes with `size`. If the size is in the text of the
            source, the crop must be there too.
        index: Ganeval's index, which knows the files that did not change.
        keep_own_size: Whether a `size=` in `location` overrides `size`.

    Raises:
        GanevalError: The source cannot be used, or its pictures differ in size, or are not square.
    """
    policy = ganeval.Settings().decode
    source = ganeval.open_source(location, policy=policy, index=index)
    text, own = location, source.info.settings.get("size")
    own_crop = source.info.settings.get("crop", crop)
    # The setting "center" may be only the default, so it never contradicts the text.
    if own is not None and crop == "none" != own_crop:
        raise ganeval.GanevalError(
            f"{location}: crop={own_crop} in its text, but the setting crop is {crop}",
            "only one of them",
            "leave out one of the two",
        )
    if size is not None and own is None:
        if location.startswith(f"{source.info.kind}:") and ",crop=" in location:
            raise ganeval.GanevalError(
                f"{location}: the crop is in its text, but the size is in the setting image_size",
                "both in the same place",
                f"add `,size={size}` to the text, or give the crop as `--set crop={own_crop}`",
            )
        text = with_options(location, source, f"size={size},crop={crop}")
        source = ganeval.open_source(text, policy=policy, index=index)
    elif size is not None and own != size and not keep_own_size:
        raise ganeval.GanevalError(
            f"{location}: pictures of size {own}, but image_size is {size}",
            "the same size in both",
            "leave out one of the two",
        )
    if size is None and own is None:
        _check_sizes(location, source)
    (first,) = source.load([0])
    height, width = _decoded(first, text, source).shape[1:]
    if height != width:
        raise ganeval.GanevalError(
            f"{location}: pictures of {width}x{height} pixels",
            "square ones",
            _sized(min(width, height)),
        )
    classes = classes_of(source, location=text)
    return Fitted(text=text, source=source, shape=(height, width), classes=classes)


def with_options(location: str, source: Any, options: str) -> str:
    """Return the text of a source with more options."""
    kind = source.info.kind
    text = location if location.startswith(f"{kind}:") else f"{kind}:{location}"
    return f"{text},{options}"


def is_grey(pixels: Pixels) -> bool:
    """Tell whether all channels of pictures, uint8 [..., 3, H, W], are the same."""
    return bool((pixels == pixels[..., :1, :, :]).all())


def to_channels(pixels: Pixels, channels: int) -> Pixels:
    """Return an RGB picture, uint8 [3, H, W], unchanged, or as grey, uint8 [1, H, W].

    Grey is the luma of ITU-R 601-2 as Pillow rounds it; it leaves grey pictures unchanged.
    """
    if channels == 3:
        return pixels
    picture = PIL.Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    return np.asarray(picture.convert("L"))[None]


def _decoded(item: Any, text: str, source: Any) -> Pixels:
    """Return the pixels of an item, uint8 [3, H, W]."""
    try:
        pixels: Pixels = item.picture().pixels
    except ganeval.GanevalError as error:
        if "--transparency" not in error.remedy:  # training does not have this option
            raise
        typed = shlex.quote(with_options(text, source, "transparency=white"))
        remedy = f"write the source as `{typed}` (or black, or drop)"
        raise ganeval.GanevalError(error.found, error.needed, remedy) from error
    return pixels


def _check_sizes(location: str, source: Any) -> None:
    """Refuse pictures whose headers show that they differ in size."""
    sizes = source.info.sizes
    if len(sizes) < 2:
        return
    (width, height), (other_width, other_height) = min(sizes), max(sizes)
    raise ganeval.GanevalError(
        f"{location}: pictures of {len(sizes):,} sizes, from {width}x{height} to "
        f"{other_width}x{other_height} pixels",
        "one size",
        _sized(min(map(min, sizes))),
    )


def _other_size(name: str, found: tuple[int, int], shape: tuple[int, int]) -> ganeval.GanevalError:
    """Return the error for a picture that differs from the first."""
    return ganeval.GanevalError(
        f"{name}: {found[0]}x{found[1]} pixels",
        f"one size for all; the first picture has {shape[1]}x{shape[0]}",
        _sized(min(*found, *shape)),
    )


def _sized(side: int) -> str:
    """Return the remedy for pictures of several sizes, given their smallest shorter side."""
    size = max(2 ** (side.bit_length() - 1), 8)
    return f"resize them: `--set image_size={size}`, or another size"
