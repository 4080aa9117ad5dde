"""Generated pictures of one coloured shape each; every attribute is known."""

import numpy as np
import numpy.typing as npt

import ganeval
from reference_models.data.pictures import Pictures

SIDE = 16
SHAPES = ("square", "disc", "triangle")
COLOURS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
}
RADII = (2, 3, 4)
CENTRES = range(4, 12)
"""Rows and columns of the middle pixel; even the largest shape fits."""

ATTRIBUTES = ("shape", "colour", "row", "column", "radius")
"""Columns of `Pictures.attributes`: shape and colour as indices, the others in pixels."""


def shapes(*, size: int = SIDE, channels: int = 3) -> Pictures:
    """Return all 3 x 4 x 8 x 8 x 3 = 2,304 pictures, 16x16 RGB on black.

    Labels are `4 * shape + colour`, 0 to 11; `attributes` are int64 [2304, 5] as in `ATTRIBUTES`.

    Args:
        size: 16, because resizing would blur the shapes.
        channels: 3.

    Raises:
        GanevalError: The size is not 16, or the number of channels is not 3.
    """
    if (size, channels) != (SIDE, 3):
        raise ganeval.GanevalError(
            f"shapes of {size}x{size} pixels and {channels} channels",
            f"{SIDE}x{SIDE} pixels and 3 channels",
            "leave out size and channels",
        )
    attributes = picture_attributes()
    return Pictures(
        name="shapes",
        pixels=np.stack([_draw(*row) for row in attributes.tolist()]),
        labels=attributes[:, 0] * len(COLOURS) + attributes[:, 1],
        attributes=attributes,
    )


def picture_attributes() -> npt.NDArray[np.int64]:
    """Return the attributes of every picture, int64 [2304, 5]; the radius varies fastest."""
    factors = (range(len(SHAPES)), range(len(COLOURS)), CENTRES, CENTRES, RADII)
    grids = np.meshgrid(*(np.array(factor, np.int64) for factor in factors), indexing="ij")
    return np.stack([grid.ravel() for grid in grids], axis=1)


def _draw(shape: int, colour: int, row: int, column: int, radius: int) -> npt.NDArray[np.uint8]:
    """Return one picture, uint8 [3, 16, 16].

    Every shape fills the box of 2 * radius + 1 pixels around its middle from border to border.
    """
    y, x = np.mgrid[:SIDE, :SIDE]
    down, right = y - row, x - column
    box = (abs(down) <= radius) & (abs(right) <= radius)
    inside = {
        "square": box,
        "disc": down**2 + right**2 <= radius * (radius + 1),  # its radius is about radius + 1/2
        "triangle": box & (abs(right) <= (down + radius) // 2),  # standing on its base
    }[SHAPES[shape]]
    paint = np.array(list(COLOURS.values())[colour], np.uint8)
    picture: npt.NDArray[np.uint8] = inside * paint[:, None, None]
    return picture
