"""Scikit-learn's handwritten digits (1,797 of 8x8 pixels), alone and with conditions."""

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import ganeval
from reference_models.data.pairs import pairs_digest
from reference_models.data.pictures import Pictures, with_channels
from reference_models.data.sources import read_pixels
from reference_models.data.streams import Unpaired

SPLITS = ("train", "test")
SHRUNK = 4  # the conditions of `sr` are this many times smaller


def digits(*, size: int = 16, channels: int = 1, split: str = "train") -> Pictures:
    """Return the digits, white on black, with their classes 0 to 9.

    They are the same pictures as ganeval's source `data:digits,split=SPLIT,size=SIZE`, bit for bit.

    Args:
        size: Height and width; pictures of 8x8 are resized by Pillow's antialiased bicubic filter.
        channels: 1, or 3 equal channels.
        split: "train" (1,437 pictures) or "test" (the other 360).

    Raises:
        GanevalError: The value of an option is not allowed.
    """
    if split not in SPLITS:
        raise ganeval.GanevalError(
            f"split '{split}' of the digits", f"one of {', '.join(SPLITS)}", "change split"
        )
    pixels = read_pixels(f"data:digits,split={split},size={size}")
    pixels = with_channels(pixels, channels, name="digits")
    return Pictures(name="digits", pixels=pixels, labels=_classes(split))


def edges(*, size: int = 16, channels: int = 1, split: str = "train") -> Pictures:
    """Return the digits with conditions: each digit is to be made from its edges.

    The conditions are ganeval's source `data:edges,split=SPLIT,size=SIZE`, the length of Sobel's
    gradient, as float32 [N, 3, size, size] from -1 (length 0) to 1 (the largest possible length).
    They are RGB, because ganeval samples with RGB conditions. A model is always sampled with the
    conditions of the test split.

    Raises:
        GanevalError: As in `digits`.
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


def sr(*, size: int = 16, channels: int = 1, split: str = "train") -> Pictures:
    """Return the digits with conditions: each digit is to be made from itself at a quarter size.

    The conditions are ganeval's source `data:digits,split=SPLIT,size=SIZE/4`, resized by Pillow's
    antialiased bicubic filter, as float32 [N, 3, size / 4, size / 4] in [-1, 1]. A model is always
    sampled with the conditions of the test split. The factor is 4 because the scans have 8x8
    pixels: conditions of 8x8 would contain all the information of pictures of 16x16.

    Raises:
        GanevalError: As in `digits`; or 4 does not divide the size.
    """
    small, left = divmod(size, SHRUNK)
    if left:
        raise ganeval.GanevalError(
            f"sr of {size} pixels", f"a multiple of {SHRUNK}", "change size (image_size)"
        )
    plain = digits(size=size, channels=channels, split=split)
    conditions = read_pixels(f"data:digits,split={split},size={small}")
    return Pictures(
        name="sr",
        pixels=plain.pixels,
        labels=plain.labels,
        condition=conditions.astype(np.float32) / 127.5 - 1,
        sources={"condition": f"data:digits,split=test,size={small}"},
    )


def tint(*, size: int = 16, channels: int = 3, split: str = "train") -> Unpaired:
    """Return inverted, tinted digits to be made, and other digits as the input to make them from.

    The pictures to be made are one half of ganeval's `data:tint,split=SPLIT,size=SIZE`, RGB. The
    conditions are the other half of `data:digits`, so no picture has a partner. A model is sampled
    with the test split, where picture i of the one source belongs to picture i of the other.

    Raises:
        GanevalError: As in `digits`; or the number of channels is not 3.
    """
    if channels != 3:
        raise ganeval.GanevalError(f"tint of {channels} channels", "3 (RGB)", "change channels")
    plain = digits(size=size, channels=3, split=split)
    made = read_pixels(f"data:tint,split={split},size={size}")
    real = Pictures(
        name="tint",
        pixels=made[::2],
        labels=None if plain.labels is None else plain.labels[::2],
        sources={"real": f"data:tint,split=test,size={size}"},
    )
    condition = Pictures(name="tint from", pixels=plain.pixels[1::2])
    return Unpaired(
        name="tint",
        real=real,
        condition=condition,
        source=f"data:digits,split=test,size={size}",
        digest=pairs_digest(real.digest, condition.digest, None),
    )


def _classes(split: str) -> npt.NDArray[np.int64]:
    """Return the classes in the order of ganeval's source, int64 [N]."""
    classes = load_digits().target.astype(np.int64)
    parts = train_test_split(
        np.arange(len(classes)), test_size=360, stratify=classes, random_state=0
    )
    chosen: npt.NDArray[np.int64] = classes[np.sort(parts[SPLITS.index(split)])]
    return chosen
