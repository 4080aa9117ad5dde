"""Pictures made on the fly."""

import numpy as np
import numpy.typing as npt


def blobs(
    num: int, *, seed: int, height: int = 24, width: int = 24, shift: float = 0.0
) -> npt.NDArray[np.uint8]:
    """Return soft coloured pictures, uint8 [num, H, W, 3], of a population moved by `shift`."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    centre = rng.uniform(0.2, 0.8, (num, 3, 2)) * (height, width)
    spread = rng.uniform(2, 8, (num, 3))
    distance = (y - centre[..., :1, None]) ** 2 + (x - centre[..., 1:, None]) ** 2
    pictures = 200 * np.exp(-distance / (2 * spread[..., None, None] ** 2)) + shift
    pictures += rng.normal(0, 4, pictures.shape)
    return np.clip(np.rint(pictures), 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
