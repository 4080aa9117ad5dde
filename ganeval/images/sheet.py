"""Many small pictures as one large one."""

import numpy as np
import numpy.typing as npt

_TILE, _GAP = 64, 2  # pixels: the smallest width of a picture, and the gap between two
_PAPER = 255


def sheet_of(pixels: npt.NDArray[np.uint8], columns: int) -> npt.NDArray[np.uint8]:
    """Return pictures of one size in rows; small ones are enlarged, each pixel to a square.

    Args:
        pixels: uint8 [N, 3, H, W].
        columns: Number of pictures in a row.

    Returns:
        uint8 [height, width, 3], white between the pictures and where there are none.
    """
    factor = max(_TILE // pixels.shape[-1], 1)
    pixels = pixels.repeat(factor, axis=2).repeat(factor, axis=3).transpose(0, 2, 3, 1)
    height, width = (extent + _GAP for extent in pixels.shape[1:3])
    rows = -(-len(pixels) // columns)
    sheet = np.full((rows * height - _GAP, columns * width - _GAP, 3), _PAPER, np.uint8)
    for at, tile in enumerate(pixels):
        top, left = at // columns * height, at % columns * width
        sheet[top : top + height - _GAP, left : left + width - _GAP] = tile
    return sheet
