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
        labels: int64 [N], the classes if any.
        digest: Hex SHA-256 of the rate and all arrays; made here.
    """

    name: str
    samples: npt.NDArray[np.float32]
    rate: int
    condition: npt.NDArray[np.float32] | None = None
    labels: npt.NDArray[np.int64] | None = None
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Digest the content."""
        sha256 = hashlib.sha256(f"{self.rate}\n".encode())
        for part in (self.samples, self.condition, self.labels):
            if part is not None:
                little = np.ascontiguousarray(part, part.dtype.newbyteorder("<"))
                sha256.update(f"{little.dtype.str}{little.shape}\n".encode())
                sha256.update(little.tobytes())
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
        given = {"labels": self.labels, "condition": self.condition}
        return ("real", *(name for name, values in given.items() if values is not None))

    @property
    def num_classes(self) -> int | None:
        """One more than the largest label."""
        return None if self.labels is None else int(self.labels.max()) + 1

    def source_of(self, name: str) -> None:
        """Return None: a condition is made from a clip, and lies nowhere."""

    def __len__(self) -> int:
        return len(self.samples)

    def batch(self, seed: int, position: int, size: int) -> Batch:
        """Return a part of the stream of epochs."""
        chosen = epoch_indices(len(self), seed=seed, position=position, size=size)
        batch = {"real": torch.from_numpy(self.samples[chosen])}
        if self.labels is not None:
            batch["labels"] = torch.from_numpy(self.labels[chosen])
        if self.condition is not None:
            batch["condition"] = torch.from_numpy(self.condition[chosen])
        return Batch(batch)
