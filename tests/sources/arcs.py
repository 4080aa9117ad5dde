"""Points between latents, by other means than those of ganeval."""

import numpy as np
import numpy.typing as npt
from scipy.spatial import geometric_slerp

Floats = npt.NDArray[np.float64]


def draws(seed: int, index: int, size: int = 8) -> Floats:
    """The normal latent of a sample."""
    return philox(seed, index).standard_normal(size, dtype=np.float32).astype(float)


def draw_place(seed: int, path: int) -> float:
    """Where the first point of a path is."""
    return philox(seed, path, 5).random()


def philox(*entropy: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(list(entropy))))


def between(start: Floats, end: Floats, t: float) -> Floats:
    """The point at t on the arc, and as long as between the lengths of both ends."""
    lengths = np.linalg.norm(start), np.linalg.norm(end)
    direction = geometric_slerp(start / lengths[0], end / lengths[1], t)
    return np.asarray(direction * ((1 - t) * lengths[0] + t * lengths[1]))
