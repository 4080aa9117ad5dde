"""Latents and labels: one random stream for each sample, whatever its batch."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch

from ganeval.errors import UsageError
from ganeval.generators.terms import LabelForm, LabelPolicy, LatentLayout, Noise, Prior

_SMALLEST_TRUNCATION = 0.01  # 1 of 125 draws is within it

# The purpose of a sample's streams, after seed and number; the first latent has no such word.
_LABEL, _NOISE, _MORE_LATENTS = 1, 2, 4
_FIXED_NOISE = [0, 3]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawing:
    """How the inputs of sample i are drawn; they depend on the seed and i alone.

    Attributes:
        latent_size: Length n of a latent vector; None for a network that takes none, or only
            latents with a length of their own.
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
        label_form: "index" gives labels int64 [B], "onehot" float32 [B, num_classes] with a single
            1, "float" the index as float32 [B, 1].
        noise: How torch's generator is seeded for a network that draws random numbers from it:
            "random" by `SeedSequence([seed, i, 2])`, "fixed" by `SeedSequence([seed, 0, 3])`, the
            same for all samples; None for a network that draws none.
        seed: From 0 to 2**32 - 1.

    Raises:
        UsageError: A value is out of its range.
    """

    latent_size: int | None = None
    prior: Prior = "normal"
    truncation: float | None = None
    latent_layout: LatentLayout = "vector"
    num_classes: int | None = None
    label_policy: LabelPolicy = "uniform"
    label_form: LabelForm = "index"
    noise: Noise | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.latent_size is not None:
            _check("latent_size", self.latent_size, 1, 2**31)
        _check("seed", self.seed, 0, 2**32)
        if self.num_classes is not None:
            _check("num_classes", self.num_classes, 1, 2**31)
        if self.truncation is None:
            return
        if self.prior != "normal":
            raise UsageError(
                f"truncation {self.truncation:g} of the {self.prior} prior",
                "the normal prior",
                "leave one of them out",
            )
        if not self.truncation >= _SMALLEST_TRUNCATION:  # drawing again would never reach it
            raise UsageError(
                f"truncation {self.truncation:g}", f"at least {_SMALLEST_TRUNCATION:g}", "change it"
            )

    def latents(
        self, indices: Sequence[int], *, number: int = 0, size: int | None = None
    ) -> torch.Tensor:
        """Return the latents of samples, float32 [B, n] or [B, n, 1, 1].

        Args:
            indices: The samples.
            number: Which of several latents of a sample: number k > 0 is drawn from
                `SeedSequence([seed, i, 4, k])`.
            size: Its length, if it is not `latent_size`.
        """
        length = self.latent_size if size is None else size
        assert length is not None
        rows = np.empty((len(indices), length), np.float32)
        limit = np.inf if self.truncation is None else self.truncation
        for row, index in zip(rows, indices, strict=True):
            stream = stream_of([self.seed, index, *([_MORE_LATENTS, number] if number else [])])
            if self.prior == "normal":
                stream.standard_normal(dtype=np.float32, out=row)
                while (beyond := np.abs(row) > limit).any():
                    row[beyond] = stream.standard_normal(int(beyond.sum()), dtype=np.float32)
            else:
                stream.random(dtype=np.float32, out=row)
                row *= 2
                row -= 1
        latents = torch.from_numpy(rows)
        return latents if self.latent_layout == "vector" else latents[:, :, None, None]

    def classes(self, indices: Sequence[int]) -> list[int] | None:
        """Return the classes of samples as numbers, or None if there are none."""
        num = self.num_classes
        if num is None or self.label_policy == "balanced":
            return None if num is None else [index % num for index in indices]
        return [int(stream_of([self.seed, index, _LABEL]).integers(num)) for index in indices]

    def labels(self, indices: Sequence[int]) -> torch.Tensor | None:
        """Return the labels of samples in their form, or None if there are no classes."""
        num, drawn = self.num_classes, self.classes(indices)
        if num is None or drawn is None:
            return None
        labels = torch.tensor(drawn, dtype=torch.int64, device="cpu")
        if self.label_form == "onehot":
            return torch.nn.functional.one_hot(labels, num).float()
        return labels.float()[:, None] if self.label_form == "float" else labels

    def noise_seed(self, index: int) -> int:
        """Return what torch's generator is seeded with while sample `index` is made."""
        purpose = _FIXED_NOISE if self.noise == "fixed" else [index, _NOISE]
        # A generator of torch takes 64 bits, and the highest one is a sign.
        return int(stream_of([self.seed, *purpose]).integers(2**63))

    def settings(self) -> dict[str, object]:
        """Return how inputs are drawn, as JSON values."""
        return {one.name: getattr(self, one.name) for one in fields(Drawing)}


def stream_of(entropy: list[int]) -> np.random.Generator:
    """Return a counter-based random stream."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(entropy)))


def _check(name: str, value: int, low: int, end: int) -> None:
    """Refuse an option outside its range."""
    if not low <= value < end:
        raise UsageError(f"option '{name}' is {value}", f"{low} to {end - 1}", "change it")
