"""Scikit-learn's handwritten digits (1,797 of 8x8 pixels), alone and paired with their edges."""

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import ganeval
from reference_models.data.pictures import Pictures, with_channels
from reference_models.data.sources import read_pixels

SPLITS = ("train", "test")

# The longest gradient that Sobel's filters can show in pixels of 0 to 1: a convex function of the
# pixels is largest where each is 0 or 1, and of those patterns one with (4, 2) is the best.
_LONGEST_GRADIENT = 20**0.5


def digits(*, size: int = 16, channels: int = 1, split: str = "train") -> Pictures:
    """Return the digits, white on black, with their classes 0 to 9.

    The same pictures as ganeval's source `data:digits,split=SPLIT,size=SIZE`, bit for bit.

    Args:
        size: Height and width, from 8 by Pillow's antialiased bicubic filter.
        channels: 1, or 3 equal ones.
        split: "train" (1,437 pictures) or "test" (the other 360).

    Raises:
        GanevalError: An option has a value that it cannot have.
    """
    if split not in SPLITS:
        raise ganeval.GanevalError(
            f"split '{split}' of the digits", f"one of {', '.join(SPLITS)}", "change split"
        )
    pixels = read_pixels(f"data:digits,split={split},size={size}")
    pixels = with_channels(pixels, channels, name="digits")
    return Pictures(name="digits", pixels=pixels, labels=_classes(split))


def edges(*, size: int = 16, channels: int = 1, split: str = "train") -> Pictures:
    """Return the digits with the condition to make each from: its edges.

    The condition is the length of Sobel's gradient of the pixels, float32 [N, 1, size, size], from
    -1 (none) to 1 (the longest that is possible), with the border repeated outwards.

    Raises:
        GanevalError: As `digits`.
    """
    plain = digits(size=size, channels=channels, split=split)
    return Pictures(
        name="edges",
        pixels=plain.pixels,
        labels=plain.labels,
        condition=edge_map(plain.pixels[:, :1] / 255.0),
    )


def edge_map(pictures: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Return the length of Sobel's gradient of pictures in [0, 1], as float32 in [-1, 1].

    Args:
        pictures: float64 [N, C, H, W].
    """
    padded = np.pad(pictures, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    above, middle, below = padded[:, :, :-2], padded[:, :, 1:-1], padded[:, :, 2:]
    down, smooth = below - above, above + 2 * middle + below
    vertical = down[..., :-2] + 2 * down[..., 1:-1] + down[..., 2:]
    horizontal = smooth[..., 2:] - smooth[..., :-2]
    length = np.hypot(vertical, horizontal) / _LONGEST_GRADIENT
    return (2 * length - 1).astype(np.float32)


def _classes(split: str) -> npt.NDArray[np.int64]:
    """Return the classes in the order of the pictures of ganeval's source, int64 [N]."""
    classes = load_digits().target.astype(np.int64)
    parts = train_test_split(
        np.arange(len(classes)), test_size=360, stratify=classes, random_state=0
    )
    chosen: npt.NDArray[np.int64] = classes[np.sort(parts[SPLITS.index(split)])]
    return chosen
