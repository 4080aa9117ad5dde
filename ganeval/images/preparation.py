"""How pictures are prepared for networks, as values that print, hash and compare."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from ganeval.errors import InputError
from ganeval.images.picture import Picture
from ganeval.images.resize import Pixels, Resize, resize

if TYPE_CHECKING:  # a run whose features are all known loads no torch
    import torch

PerChannel = float | tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """Resize a picture, then `(x - mean) / std`.

    Attributes:
        resize: How, and to what size.
        mean: On the 0..255 scale, one number for all channels or one for each.
        std: In the same form as `mean`.
        crop: "none" stretches the picture to a square. "center" brings its short side to the size
            and cuts the middle out, as CLIP does.
    """

    takes: ClassVar[str] = "picture"

    resize: Resize
    mean: PerChannel
    std: PerChannel
    crop: Literal["none", "center"] = "none"

    def __call__(self, content: object, /) -> torch.Tensor:
        """Return the network's input, float32 [3, S, S].

        Args:
            content: A `Picture`.

        Raises:
            InputError: It is something else.
            UsageError: There is no such resize.
        """
        pixels = _pixels(content)
        if self.crop == "none":
            result = resize(pixels, self.resize)
        else:
            result = self._resize_and_crop(pixels)
        means, stds = (
            value if isinstance(value, tuple) else (value,) * 3 for value in (self.mean, self.std)
        )
        for channel, mean, std in zip(result, means, stds, strict=True):
            channel.sub_(mean).div_(std)
        return result

    def _resize_and_crop(self, pixels: Pixels) -> torch.Tensor:
        """Bring the short side to the size, then cut the middle out.

        The long side is rounded down. The corner of the cut is rounded to the nearest whole pixel,
        halves to the even one, as in torchvision's `Resize` and `CenterCrop`.
        """
        short, size = min(pixels.shape[1:]), self.resize.size
        height, width = (
            size if side == short else int(size * side / short) for side in pixels.shape[1:]
        )
        top, left = round((height - size) / 2), round((width - size) / 2)
        result = resize(pixels, self.resize, (height, width))
        return result[:, top : top + size, left : left + size].contiguous()

    def to_json(self) -> dict[str, Any]:
        """Return the facts for cache keys, reports and stored statistics, as JSON values.

        The form is the same as in older versions, so that their files still compare.
        """
        said = asdict(self)
        said["resize"]["quantise"] = False  # no resize rounds its result
        for name in ("mean", "std"):
            value = getattr(self, name)
            said[name] = list(value) if isinstance(value, tuple) else value
        if self.crop == "none":
            del said["crop"]
        return said


@dataclass(frozen=True, slots=True)
class NativePair:
    """Take two pictures of one size as they are."""

    takes: ClassVar[str] = "pair of pictures"

    def __call__(self, content: object, /) -> torch.Tensor:
        """Return both pictures, float32 [2, 3, H, W] on the 0..255 scale.

        Args:
            content: A tuple of two `Picture`s.

        Raises:
            InputError: It is something else, or the pictures differ in size.
        """
        import torch

        if not isinstance(content, tuple) or len(content) != 2:
            raise InputError(
                f"a {type(content).__name__.lower()}, not a pair of pictures",
                "pairs of pictures",
                "choose a metric that looks at single pictures",
            )
        pair = [_pixels(one) for one in content]
        if pair[0].shape != pair[1].shape:
            one, other = (f"{pixels.shape[2]} x {pixels.shape[1]}" for pixels in pair)
            raise InputError(
                f"a picture of {one} pixels and one of {other}",
                "pairs of pictures of one size",
                "bring both sources to one size, as in folder:PATH,size=64",
            )
        return torch.from_numpy(np.stack(pair).astype(np.float32))

    def to_json(self) -> dict[str, Any]:
        """Return the facts for cache keys and reports, as JSON values."""
        return {"pair": "at native size"}


def _pixels(content: object) -> Pixels:
    """Return the pixels of a content that has to be a picture."""
    if not isinstance(content, Picture):
        raise InputError(
            f"a {type(content).__name__.lower()}, not a picture",
            "pictures",
            "name a source of pictures",
        )
    return content.pixels
