"""The base class of pictures and clips in memory, which come in epochs."""

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from reference_models.data.order import Indices, epoch_indices
from reference_models.engine.data import Batch, Kind

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class InMemory(ABC):
    """A finite set of samples of one shape.

    Attributes:
        name: Name of the data.
        labels: int64 [N], the classes; None if there are none.
        condition: float32 [N, ...], the input from which each sample is to be made; or None.
        digest: Hex SHA-256 of the arrays, their shapes and types; computed here.
    """

    name: str
    labels: npt.NDArray[np.int64] | None = None
    condition: npt.NDArray[np.float32] | None = None
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Compute the digest."""
        object.__setattr__(self, "digest", digest_of(*self.arrays()))

    @property
    @abstractmethod
    def kind(self) -> Kind:
        """What a sample is."""

    @abstractmethod
    def arrays(self) -> tuple[Array | None, ...]:
        """Return all arrays of the data, first the samples, [N, ...] with N at least 1."""

    @abstractmethod
    def real(self, chosen: Indices) -> Tensor:
        """Return some of the samples as networks take them, float32 [B, ...] in -1 to 1."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return self._samples.shape[1:]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tensors in its batches."""
        given = {"labels": self.labels, "condition": self.condition}
        return ("real", *(name for name, values in given.items() if values is not None))

    @property
    def num_classes(self) -> int | None:
        """One more than the largest label."""
        return None if self.labels is None else int(self.labels.max()) + 1

    def source_of(self, name: str) -> str | None:
        """Return the source in which ganeval finds samples like a tensor; None if there is none."""
        return None

    def __len__(self) -> int:
        return len(self._samples)

    def batch(self, seed: int, position: int, size: int) -> Batch:
        """Return a part of the stream of epochs."""
        chosen = epoch_indices(len(self), seed=seed, position=position, size=size)
        batch = {"real": self.real(chosen)}
        if self.labels is not None:
            batch["labels"] = torch.from_numpy(self.labels[chosen])
        if self.condition is not None:
            batch["condition"] = torch.from_numpy(self.condition[chosen])
        return Batch(batch)

    @property
    def _samples(self) -> Array:
        samples = self.arrays()[0]
        assert samples is not None
        return samples


def digest_of(*arrays: Array | None) -> str:
    """Return the hex SHA-256 of the type, shape and content of each array."""
    sha256 = hashlib.sha256()
    for array in arrays:
        if array is None:
            sha256.update(b"none;")
            continue
        little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        sha256.update(f"{little.dtype.str}{little.shape};".encode())
        sha256.update(little.tobytes())
    return sha256.hexdigest()
