"""Inverted, tinted pictures: what an unpaired translator should make, with a known truth."""

import numpy as np
import numpy.typing as npt

TINT = (255, 176, 80)
"""The colour that black becomes; white becomes black."""


def tinted(pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the pictures with grey v mapped to (1 - v / 255) * `TINT`; red alone gives v back.

    Args:
        pictures: uint8 [N, H, W].

    Returns:
        uint8 [N, 3, H, W] RGB, rounded to the nearest.
    """
    share = 1 - pictures[:, None] / 255.0
    colours = share * np.array(TINT)[:, None, None]
    rounded: npt.NDArray[np.uint8] = np.floor(colours + 0.5).astype(np.uint8)
    return rounded
