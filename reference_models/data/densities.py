"""Toy data with known densities, and scores of how well samples match their modes."""

import hashlib
import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

import ganeval
from reference_models.data.order import generator
from reference_models.engine.data import Batch, Kind

Floats = npt.NDArray[np.float64]
Samples = Tensor | npt.NDArray[np.floating]  # [N, d]

HIGH_QUALITY_STDS = 3
COVERED_SHARE = 0.2

_BLOCK = 256  # items drawn at once; changing it changes every stream


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """A mixture of Gaussians with one common, isotropic standard deviation.

    Attributes:
        name: Name of the data.
        modes: float64 [K, d], the means.
        std: Standard deviation of each coordinate of each component, above 0.
        weights: float64 [K], above 0, sum 1.
    """

    name: str
    modes: Floats
    std: float
    weights: Floats

    def __post_init__(self) -> None:
        """Check the standard deviation (GanevalError)."""
        if not self.std > 0:
            raise ganeval.GanevalError(
                f"std {self.std} of data '{self.name}'", "a number above 0", "change std"
            )

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the definition."""
        definition = [self.modes.tolist(), self.std, self.weights.tolist(), _BLOCK]
        return hashlib.sha256(json.dumps(definition).encode()).hexdigest()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one item: (d,)."""
        return self.modes.shape[1:]

    @property
    def kind(self) -> Kind:
        """Points."""
        return "points"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tensors in its batches: only the points."""
        return ("real",)

    @property
    def num_classes(self) -> None:
        """No labels."""

    def source_of(self, name: str) -> None:
        """Return None: ganeval has no sources of points."""

    def log_density(self, x: Floats) -> Floats:
        """Return the logarithm of the density at `x` [N, d], float64 [N]."""
        squares = _squared_distances(np.asarray(x, np.float64), self.modes)
        exponents = np.log(self.weights) - squares / (2 * self.std**2)
        norm = self.shape[0] / 2 * np.log(2 * np.pi * self.std**2)
        total: Floats = np.logaddexp.reduce(exponents, axis=1) - norm
        return total

    def density(self, x: Floats) -> Floats:
        """Return the density at `x` [N, d], float64 [N]."""
        return np.exp(self.log_density(x))

    def sample(self, num: int, rng: np.random.Generator) -> Floats:
        """Draw independent samples, float64 [num, d]."""
        component = rng.choice(len(self.weights), size=num, p=self.weights)
        noise = rng.standard_normal((num, *self.shape))
        return self.modes[component] + self.std * noise

    def scores(self, samples: Samples) -> dict[str, tuple[float, str]]:
        """Return the scores of samples [N, d] on the modes, each with its better direction."""
        return {
            "modes": (float(found_modes(samples, self)), "higher"),
            "high_quality": (float(high_quality(samples, self).mean()), "higher"),
            "mode_kl": (mode_kl(samples, self), "lower"),
        }

    def batch(self, seed: int, position: int, size: int) -> Batch:
        """Return a part of the stream of samples; each block has its own random generator."""
        first, last = position // _BLOCK, (position + size - 1) // _BLOCK
        blocks = [
            self.sample(_BLOCK, generator(seed, "density", block))
            for block in range(first, last + 1)
        ]
        start = position - first * _BLOCK
        stream = np.concatenate(blocks)[start : start + size]
        return Batch({"real": torch.from_numpy(stream.astype(np.float32))})


def ring8(*, std: float = 0.1) -> Mixture:
    """Return eight equal Gaussians on a circle of radius 2.

    Metz et al. 2017 (Unrolled GAN) and later papers have std 0.02. With 0.1 a short run can tell
    models apart, because some samples lie within three standard deviations.
    """
    angle = 2 * np.pi * np.arange(8) / 8
    return _equal("ring8", 2 * np.stack([np.cos(angle), np.sin(angle)], axis=1), std)


def grid25(*, std: float = 0.05) -> Mixture:
    """Return 25 equal Gaussians at {-4, -2, 0, 2, 4} x {-4, -2, 0, 2, 4} (as in ALI)."""
    line = np.arange(-4.0, 5.0, 2.0)
    return _equal("grid25", np.stack(np.meshgrid(line, line), axis=-1).reshape(25, 2), std)


def mix1d(*, std: float = 0.5) -> Mixture:
    """Return 2/3 N(-1, std^2) + 1/3 N(1.5, std^2); an item is one number.

    The weights are unequal, so each f-divergence has a different nearest Gaussian, and for the
    reverse Kullback-Leibler divergence one of the two modes is clearly the best fit.
    """
    return Mixture("mix1d", np.array([[-1.0], [1.5]]), std, np.array([2.0, 1.0]) / 3)


def nearest_modes(samples: Samples, data: Mixture) -> npt.NDArray[np.int64]:
    """Return which mode each sample [N, d] is nearest to, int64 [N]."""
    nearest: npt.NDArray[np.int64] = _squared_distances(_to_float64(samples), data.modes).argmin(
        axis=1
    )
    return nearest


def high_quality(samples: Samples, data: Mixture) -> npt.NDArray[np.bool_]:
    """Return which samples [N, d] lie within 3 std of the nearest mode, bool [N].

    In two dimensions 1 - exp(-9/2) = 98.9 % of the data do.
    """
    nearest = _squared_distances(_to_float64(samples), data.modes).min(axis=1)
    mask: npt.NDArray[np.bool_] = nearest <= (HIGH_QUALITY_STDS * data.std) ** 2
    return mask


def covered_modes(samples: Samples, data: Mixture) -> int:
    """Return how many modes get at least 20 % of their fair share of the high-quality samples.

    The fair share is a mode's weight: 1/K where all are equal.
    """
    points = _to_float64(samples)
    counts = _mode_counts(points[high_quality(points, data)], data)
    enough = (counts > 0) & (counts >= COVERED_SHARE * data.weights * counts.sum())
    return int(enough.sum())


def found_modes(samples: Samples, data: Mixture) -> int:
    """Return how many modes get, within 3 std, at least 20 % of their fair share of all samples.

    It is stricter than `covered_modes`: if samples are spread over the plane, with few of them near
    a mode, no mode is found.
    """
    points = _to_float64(samples)
    counts = _mode_counts(points[high_quality(points, data)], data)
    return int((counts >= COVERED_SHARE * data.weights * len(points)).sum())


def mode_kl(samples: Samples, data: Mixture) -> float:
    """Return KL(histogram of the samples' nearest modes || the modes' weights), in nats.

    All samples [N, d] count, however far they are from a mode; N is at least 1. Except for `mix1d`
    the weights are uniform. 0 is perfect; log K means one mode only (of K equal ones).
    """
    points = _to_float64(samples)
    share = _mode_counts(points, data) / len(points)
    seen = share > 0
    return float((share[seen] * np.log(share[seen] / data.weights[seen])).sum())


def _equal(name: str, modes: Floats, std: float) -> Mixture:
    """Return a mixture of equal weights."""
    return Mixture(name, modes, std, np.full(len(modes), 1 / len(modes)))


def _mode_counts(points: Floats, data: Mixture) -> npt.NDArray[np.int64]:
    """Return how many points are nearest to each mode, int64 [K]."""
    return np.bincount(nearest_modes(points, data), minlength=len(data.modes))


def _squared_distances(points: Floats, modes: Floats) -> Floats:
    """Return the squared distance of every point to every mode, float64 [N, K]."""
    squares: Floats = ((points[:, None] - modes) ** 2).sum(axis=2)
    return squares


def _to_float64(samples: Samples) -> Floats:
    """Return samples of either kind as float64 [N, d]."""
    if isinstance(samples, Tensor):
        samples = samples.detach().cpu().numpy()
    return samples.astype(np.float64)
