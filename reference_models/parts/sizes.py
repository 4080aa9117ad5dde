"""Which sizes of pictures networks of doublings can make."""

import ganeval


def doublings(image_size: int, *, smallest: int = 4) -> int:
    """Return how often `smallest` doubles to the image size.

    Raises:
        GanevalError: It does not.
    """
    number = (image_size // smallest).bit_length() - 1
    if image_size < 8 or smallest * 2**number != image_size:
        below = 2 ** (image_size.bit_length() - 1)
        near = max(min(below, 2 * below, key=lambda size: abs(size - image_size)), 8)
        raise ganeval.GanevalError(
            f"images of {image_size} pixels",
            "8, 16, 32, 64, ...",
            f"bring them to one of these: `--set image_size={near}`, or size={near} in their text",
        )
    return number
