"""Resize pictures to a network's input size, bit for bit as the tools that we reproduce."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import PIL.Image

from ganeval.errors import UsageError

if TYPE_CHECKING:  # a run whose features are all known loads no torch
    import torch

Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.float32]
"""[3, H, W] RGB: uint8, or float32 on the 0..255 scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resize:
    """Resize to `size` pixels, described by backend, filter and antialias.

    Protocols use these:

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


def resize(pixels: Pixels, how: Resize, shape: tuple[int, int] | None = None) -> torch.Tensor:
    """Resize one picture, stretching it.

    The result does not depend on the thread or on other pictures. It has the same bits as

    * tf1, bilinear: torch-fidelity 0.4 (and TensorFlow 1, TTUR);
    * torch, bilinear: `F.interpolate(..., align_corners=False)` on floats of 0..255, as
      torchmetrics 1.9 does with antialias. pytorch-fid does it without antialias on floats of 0..1;
      after normalisation to -1..1 that agrees to about 1e-6;
    * pil, bicubic, antialias: clean-fid 0.1.35, mode "clean" (float, clipped, not rounded).

    Args:
        pixels: [3, H, W] RGB.
        how: Size, backend, filter, antialias.
        shape: Height and width of the result; None for a square of the size.

    Returns:
        float32 [3, height, width] on the 0..255 scale (torch may exceed 255 by a float32 rounding),
        new memory.

    Raises:
        UsageError: There is no such combination of backend, filter and antialias.
    """
    import torch

    shape = shape or (how.size, how.size)
    match how.backend, how.filter, how.antialias:
        case "tf1", "bilinear", False:
            return torch.from_numpy(_resize_tf1(pixels, shape))
        case "torch", "bilinear", antialias:
            return _resize_torch(pixels, shape, antialias=antialias)
        case "pil", "bicubic", True:
            return torch.from_numpy(_resize_pil(pixels, shape))
        case _:
            with_or_without = "with" if how.antialias else "without"
            raise UsageError(
                f"no resize '{how.backend}' {how.filter} {with_or_without} antialias",
                "tf1 bilinear without, torch bilinear with or without, pil bicubic with antialias",
                "choose one of these",
            )


def fit(
    pixels: npt.NDArray[np.uint8], *, size: int, crop: Literal["none", "center"]
) -> npt.NDArray[np.uint8]:
    """Bring a picture to `size` x `size` with Pillow's antialiased bicubic on uint8.

    Args:
        pixels: uint8 [3, H, W] RGB.
        size: The new height and width.
        crop: "center" cuts out the largest square first, at `((W - side) // 2, (H - side) // 2)`;
            "none" stretches.

    Returns:
        uint8 [3, size, size], C-contiguous, new memory.
    """
    if crop == "center":
        height, width = pixels.shape[1:]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        pixels = pixels[:, top : top + side, left : left + side]
    picture = PIL.Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    picture = picture.resize((size, size), PIL.Image.Resampling.BICUBIC)
    return np.array(np.asarray(picture).transpose(2, 0, 1), order="C")


def _resize_tf1(pixels: Pixels, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Resize as TensorFlow 1's `resize_bilinear(align_corners=False)`: source = j * W / S.

    It interpolates along rows first, then along columns, each as `a + (b - a) * weight`: the order
    fixes the float32 bits. Rows that no output row needs are not touched.
    """
    num_rows, num_columns = shape
    height, width = pixels.shape[1:]
    top, bottom, row_weight = _tf1_table(height, num_rows)
    left, right, column_weight = _tf1_table(width, num_columns)
    if height > 2 * num_rows:
        floats = np.concatenate((pixels[:, top], pixels[:, bottom]), axis=1).astype(np.float32)
        top, bottom = np.arange(num_rows), np.arange(num_rows, 2 * num_rows)
    else:
        floats = pixels.astype(np.float32)
    rows = _blend(floats.take(left, axis=2), floats.take(right, axis=2), column_weight)
    return _blend(rows.take(top, axis=1), rows.take(bottom, axis=1), row_weight[:, None])


def _blend(
    start: npt.NDArray[np.float32], end: npt.NDArray[np.float32], weight: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Return `start + (end - start) * weight`, overwriting `end`."""
    end -= start
    end *= weight
    end += start
    return end


@functools.lru_cache(maxsize=256)
def _tf1_table(
    extent: int, size: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Return the two neighbours of each of `size` outputs among `extent` inputs, and the weights.

    The position is the float32 product of j and float32(extent / size), as TensorFlow has it.
    """
    position = np.arange(size, dtype=np.float32) * np.float32(extent / size)
    low = position.astype(np.int64)
    table = low, np.minimum(low + 1, extent - 1), position - low.astype(np.float32)
    for array in table:
        array.flags.writeable = False  # shared by every caller
    return table


def _resize_torch(pixels: Pixels, shape: tuple[int, int], *, antialias: bool) -> torch.Tensor:
    """Resize with half-pixel centres, as NCHW in C order: the layout decides torch's kernel."""
    import torch

    floats = torch.from_numpy(pixels.astype(np.float32, order="C"))[None]
    return torch.nn.functional.interpolate(
        floats, size=shape, mode="bilinear", align_corners=False, antialias=antialias
    )[0]


def _resize_pil(pixels: Pixels, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Resize each channel as a float picture, so that nothing is rounded; clip the overshoot."""
    height, width = shape
    result = np.empty((3, height, width), np.float32)
    for channel, target in zip(pixels, result, strict=True):
        picture = PIL.Image.fromarray(channel.astype(np.float32))
        picture = picture.resize((width, height), PIL.Image.Resampling.BICUBIC)
        np.clip(np.asarray(picture), 0, 255, out=target)
    return result
