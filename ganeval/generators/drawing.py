"""Latents and labels: one random stream for each sample, whatever its batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from ganeval.errors import UsageError

Prior = Literal["normal", "uniform"]
LabelPolicy = Literal["uniform", "balanced"]
LatentLayout = Literal["vector", "map"]

_SMALLEST_TRUNCATION = 0.01  # 1 of 125 draws is within it


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """How the inputs of sample i are drawn; they depend on the seed and i alone.

    Attributes:
        latent_size: Length n of a latent vector.
        prior: Standard normal, or uniform from -1 to 1; float32 from NumPy's Philox seeded by
            `SeedSequence([seed, i])`.
        truncation: Largest absolute value psi of a coordinate, for the normal prior: coordinates
            beyond it are drawn again from the sample's own stream, in their order, until none is;
            each then has the normal distribution truncated to [-psi, psi] (Brock, Donahue and
            Simonyan, "Large Scale GAN Training for High Fidelity Natural Image Synthesis", ICLR
            2019, section 3.1). A sample all of whose coordinates are within psi is not changed.
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
    truncation: float | None = None
    latent_layout: LatentLayout = "vector"
    num_classes: int | None = None
    label_policy: LabelPolicy = "uniform"
    seed: int = 0

    def __post_init__(self) -> None:
        _check("latent_size", self.latent_size, 1, 2**31)
        _check("seed", self.seed, 0, 2**32)
        if self.num_classes is not None:
            _check("num_classes", self.num_classes, 1, 2**31)
        if self.truncation is not None:
            self._check_truncation(self.truncation)

    def latents(self, indices: Sequence[int]) -> torch.Tensor:
        """Return the latents of samples, float32 [B, n] or [B, n, 1, 1]."""
        rows = np.empty((len(indices), self.latent_size), np.float32)
        for row, index in zip(rows, indices, strict=True):
            stream = _stream([self.seed, index])
            if self.prior == "normal":
                stream.standard_normal(dtype=np.float32, out=row)
                self._truncate(row, stream)
            else:
                stream.random(dtype=np.float32, out=row)
                row *= 2
                row -= 1
        latents = torch.from_numpy(rows)
        return latents if self.latent_layout == "vector" else latents[:, :, None, None]

    def _truncate(self, row: npt.NDArray[np.float32], stream: np.random.Generator) -> None:
        """Draw the coordinates of a latent beyond the truncation again until none is."""
        if self.truncation is None:
            return
        while (beyond := np.abs(row) > self.truncation).any():
            row[beyond] = stream.standard_normal(int(beyond.sum()), dtype=np.float32)

    def _check_truncation(self, truncation: float) -> None:
        """Refuse a truncation of another prior, or one that drawing again would never reach."""
        if self.prior != "normal":
            raise UsageError(
                f"truncation {truncation:g} of the {self.prior} prior",
                "the normal prior",
                "leave one of them out",
            )
        if not truncation >= _SMALLEST_TRUNCATION:
            raise UsageError(
                f"truncation {truncation:g}", f"at least {_SMALLEST_TRUNCATION:g}", "change it"
            )

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
            "truncation": self.truncation,
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
