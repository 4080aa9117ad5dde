"""Which sizes of pictures networks of doublings can make."""

import ganeval


def doublings(image_size: int, *, smallest: int = 4) -> int:
    """Return how often `smallest` doubles to the image size.

    Raises:
        GanevalError: It does not.
    """
    number = (image_size // smallest).bit_length() - 1
    if image_size < 8 or smallest * 2**number != image_size:
        raise ganeval.GanevalError(
            f"images of {image_size} pixels",
            "8, 16, 32, 64, ...",
            "add size=32 (and crop=center to keep proportions) to the data",
        )
    return number
