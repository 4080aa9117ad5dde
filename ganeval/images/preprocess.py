"""What happens between a picture and a network, as values that print, hash and compare."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Resize:
    """Resize to `size` x `size` pixels, named by content: backend, filter, antialias, rounding.

    The ones that protocols use:

    * tf1-bilinear: TensorFlow 1's corner-origin bilinear, as in TTUR and torch-fidelity;
    * torch-bilinear: `F.interpolate(mode="bilinear", align_corners=False)`, with or without
      antialias, as in torchmetrics >= 1.8 and pytorch-fid;
    * pil-bicubic-float: Pillow's antialiased bicubic on float channels, clipped to [0, 255], not
      rounded, as in clean-fid's mode "clean".
    """

    size: int
    backend: Literal["tf1", "torch", "pil"]
    filter: Literal["bilinear", "bicubic"]
    antialias: bool
    quantise: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocess:
    """Resize, then `(x - mean) / std` on the 0..255 scale, the same for each channel."""

    resize: Resize
    mean: float
    std: float
