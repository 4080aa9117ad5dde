"""Scikit-learn's handwritten digits (1,797 of 8x8 pixels), alone and paired with their edges."""

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import ganeval
from reference_models.data.pictures import Pictures, with_channels
from reference_models.data.sources import read_pixels

SPLITS = ("train", "test")


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

    The condition is ganeval's source `data:edges,split=SPLIT,size=SIZE`, the length of Sobel's
    gradient, as float32 [N, 3, size, size] from -1 (none) to 1 (the longest that is possible), in
    RGB as conditions are in sampling. A model is sampled with the conditions of the test split,
    whichever it was trained on.

    Raises:
        GanevalError: As `digits`.
    """
    plain = digits(size=size, channels=channels, split=split)
    conditions = read_pixels(f"data:edges,split={split},size={size}")
    return Pictures(
        name="edges",
        pixels=plain.pixels,
        labels=plain.labels,
        condition=conditions.astype(np.float32) / 127.5 - 1,
        sources={"condition": f"data:edges,split=test,size={size}"},
    )


def _classes(split: str) -> npt.NDArray[np.int64]:
    """Return the classes in the order of the pictures of ganeval's source, int64 [N]."""
    classes = load_digits().target.astype(np.int64)
    parts = train_test_split(
        np.arange(len(classes)), test_size=360, stratify=classes, random_state=0
    )
    chosen: npt.NDArray[np.int64] = classes[np.sort(parts[SPLITS.index(split)])]
    return chosen
