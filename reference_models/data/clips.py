"""Clips in memory, in epochs."""

import hashlib
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

from reference_models.data.order import epoch_indices
from reference_models.engine.data import Batch, Kind


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Clips:
    """A finite set of clips of one length and rate.

    Attributes:
        name: What the data is called.
        samples: float32 [N, C, T] in -1 to 1, N at least 1.
        rate: Samples per second.
        condition: float32 [N, C, T / r], what each clip is to be made from, if anything.
        digest: Hex SHA-256 of the samples and the rate; made here.
    """

    name: str
    samples: npt.NDArray[np.float32]
    rate: int
    condition: npt.NDArray[np.float32] | None = None
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Digest the content."""
        sha256 = hashlib.sha256(f"{self.rate}\n".encode())
        for part in (self.samples, self.condition):
            if part is not None:
                sha256.update(f"{part.shape}\n".encode())
                sha256.update(np.ascontiguousarray(part, "<f4").tobytes())
        object.__setattr__(self, "digest", sha256.hexdigest())

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one clip: (C, T)."""
        return self.samples.shape[1:]

    @property
    def kind(self) -> Kind:
        """Clips."""
        return "clips"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tensors in its batches."""
        return ("real",) if self.condition is None else ("real", "condition")

    @property
    def num_classes(self) -> None:
        """No labels."""

    def source_of(self, name: str) -> None:
        """Return None: a condition is made from a clip, and lies nowhere."""

    def __len__(self) -> int:
        return len(self.samples)

    def batch(self, seed: int, position: int, size: int) -> Batch:
        """Return a part of the stream of epochs."""
        chosen = epoch_indices(len(self), seed=seed, position=position, size=size)
        batch = {"real": torch.from_numpy(self.samples[chosen])}
        if self.condition is not None:
            batch["condition"] = torch.from_numpy(self.condition[chosen])
        return Batch(batch)
