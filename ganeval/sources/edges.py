"""Edge maps: what a paired generator makes pictures from."""

import numpy as np
import numpy.typing as npt

# The longest gradient that Sobel's filters give for pixels from 0 to 1. The length is a convex
# function of the pixels, so it is largest where each is 0 or 1; the best pattern gives (4, 2).
_LONGEST_GRADIENT = 20**0.5


def edge_map(pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the length of Sobel's gradient, 255 for the longest that is possible.

    The border is repeated outwards.

    Args:
        pictures: uint8 [N, H, W].

    Returns:
        uint8 [N, H, W], rounded to the nearest.
    """
    padded = np.pad(pictures / 255.0, ((0, 0), (1, 1), (1, 1)), mode="edge")
    above, middle, below = padded[:, :-2], padded[:, 1:-1], padded[:, 2:]
    down, smooth = below - above, above + 2 * middle + below
    vertical = down[..., :-2] + 2 * down[..., 1:-1] + down[..., 2:]
    horizontal = smooth[..., 2:] - smooth[..., :-2]
    length = np.hypot(vertical, horizontal) / _LONGEST_GRADIENT
    return np.floor(length * 255 + 0.5).astype(np.uint8)
