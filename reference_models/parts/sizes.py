"""Check the sizes of pictures; networks reach them by doubling a small map several times."""

import ganeval
from reference_models.engine.data import Data


def doublings(image_size: int, *, smallest: int = 4) -> int:
    """Return how many doublings lead from `smallest` to the image size.

    Raises:
        GanevalError: No number of doublings leads there, or the image size is below 8.
    """
    number = (image_size // smallest).bit_length() - 1
    if image_size < 8 or smallest * 2**number != image_size:
        below = 2 ** (image_size.bit_length() - 1)
        near = max(min(below, 2 * below, key=lambda size: abs(size - image_size)), 8)
        raise ganeval.GanevalError(
            f"images of {image_size} pixels",
            "8, 16, 32, 64, ...",
            f"resize them: `--set image_size={near}`, or write `folder:PATH,size={near}`",
        )
    return number


def check_conditions(data: Data, size: int) -> None:
    """Check that conditions have the size that the networks take; data without any pass.

    Args:
        data: Data of the run.
        size: Height and width that the conditions must have.

    Raises:
        GanevalError: The conditions have another size.
    """
    if "condition" not in data.names:
        return
    found = data.batch(0, 0, 1)["condition"].shape[-1]
    if found != size:
        raise ganeval.GanevalError(
            f"conditions of {found} pixels for pictures of {data.shape[1]}",
            f"conditions of {size}",
            f"resize them, for example with --data-b folder:PATH,size={size}",
        )
