"""Latents and labels: one random stream for each sample, whatever its batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from ganeval.errors import UsageError

Prior = Literal["normal", "uniform"]
LabelPolicy = Literal["uniform", "balanced"]
LatentLayout = Literal["vector", "map"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """How the inputs of sample i are drawn; they depend on the seed and i alone.

    Attributes:
        latent_size: Length n of a latent vector.
        prior: Standard normal, or uniform from -1 to 1; float32 from NumPy's Philox seeded by
            `SeedSequence([seed, i])`.
        latent_layout: "vector" gives [B, n], "map" gives [B, n, 1, 1].
        num_classes: Number of classes; None draws no labels.
        label_policy: "uniform" draws a label from `SeedSequence([seed, i, 1])`, "balanced" is
            `i % num_classes`.
        seed: From 0 to 2**32 - 1.

    Raises:
        UsageError: A value out of its range.
    """

    latent_size: int
    prior: Prior = "normal"
    latent_layout: LatentLayout = "vector"
    num_classes: int | None = None
    label_policy: LabelPolicy = "uniform"
    seed: int = 0

    def __post_init__(self) -> None:
        _check("latent_size", self.latent_size, 1, 2**31)
        _check("seed", self.seed, 0, 2**32)
        if self.num_classes is not None:
            _check("num_classes", self.num_classes, 1, 2**31)

    def latents(self, indices: Sequence[int]) -> torch.Tensor:
        """Return the latents of samples, float32 [B, n] or [B, n, 1, 1]."""
        rows = np.empty((len(indices), self.latent_size), np.float32)
        for row, index in zip(rows, indices, strict=True):
            stream = _stream([self.seed, index])
            if self.prior == "normal":
                stream.standard_normal(dtype=np.float32, out=row)
            else:
                stream.random(dtype=np.float32, out=row)
                row *= 2
                row -= 1
        latents = torch.from_numpy(rows)
        return latents if self.latent_layout == "vector" else latents[:, :, None, None]

    def labels(self, indices: Sequence[int]) -> torch.Tensor | None:
        """Return the labels of samples, int64 [B], or None if there are no classes."""
        if self.num_classes is None:
            return None
        if self.label_policy == "balanced":
            return torch.tensor([index % self.num_classes for index in indices])
        drawn = [_stream([self.seed, index, 1]).integers(self.num_classes) for index in indices]
        return torch.tensor(drawn, dtype=torch.int64)

    def settings(self) -> dict[str, object]:
        """Return every field, as JSON values."""
        return {
            "latent_size": self.latent_size,
            "prior": self.prior,
            "latent_layout": self.latent_layout,
            "num_classes": self.num_classes,
            "label_policy": self.label_policy,
            "seed": self.seed,
        }


def _stream(entropy: list[int]) -> np.random.Generator:
    """Return a counter-based random stream."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(entropy)))


def _check(name: str, value: int, low: int, end: int) -> None:
    """Refuse an option outside its range."""
    if not low <= value < end:
        raise UsageError(f"option '{name}' is {value}", f"{low} to {end - 1}", "change it")
