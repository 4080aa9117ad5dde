"""Which pixels of a picture are missing."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import PIL.Image

from ganeval.errors import InputError

CENTRE = "centre"


def mask_of(text: str, *, height: int, width: int) -> npt.NDArray[np.bool_]:
    """Return the mask that a text names, bool [H, W], true for missing pixels.

    Args:
        text: `centre`, the middle half of both sides, or the path of a picture of the same size
            that is white where pixels are missing.
        height: Height of the pictures.
        width: Width of the pictures.

    Raises:
        InputError: There is no such picture, or it has another size.
    """
    if text == CENTRE:
        mask = np.zeros((height, width), bool)
        mask[height // 4 : height - height // 4, width // 4 : width - width // 4] = True
        return mask
    try:
        with PIL.Image.open(Path(text)) as picture:
            levels = np.asarray(picture.convert("L"))
    except (
        OSError,
        ValueError,
        SyntaxError,
    ) as error:  # what Pillow raises for a file that is not a picture
        raise InputError(
            f"{text}: not a mask ({error})", "`centre`, or a picture that is white where pixels "
            "are missing", "change --inpaint"
        ) from error  # fmt: skip
    if levels.shape != (height, width):
        raise InputError(
            f"{text}: {levels.shape[1]}x{levels.shape[0]} pixels",
            f"{width}x{height}, like the generator's pictures",
            "draw another",
        )
    return levels > 127
