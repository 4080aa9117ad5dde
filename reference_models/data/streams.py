"""Streams of prepared pictures: alone, with a condition for each, or two unpaired streams."""

from collections.abc import Mapping, Sized
from dataclasses import dataclass, field

import torch
from torch import Tensor

from reference_models.data.order import Indices, epoch_indices, generator
from reference_models.data.pictures import Pixels
from reference_models.data.prepared import Prepared
from reference_models.engine.data import Batch, Data, Kind

_BLOCK = 4096  # coins drawn at once; changing it changes every stream with flips


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PreparedPictures:
    """Prepared pictures in epochs, with the condition of each if they are paired.

    Attributes:
        name: Name of the data.
        prepared: The pictures.
        digest: Hex SHA-256 of everything in the batches.
        condition: The inputs from which the pictures are to be made.
        partners: int64 [N], the index of each picture's condition.
        sources: Sources in which ganeval finds pictures like a tensor, by the tensor's name.
    """

    name: str
    prepared: Prepared
    digest: str
    condition: Prepared | None = None
    partners: Indices | None = None
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one picture: (C, H, W)."""
        return self.prepared.pixels.shape[1:]

    @property
    def kind(self) -> Kind:
        """Pictures."""
        return "pictures"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tensors in its batches."""
        given = {"labels": self.prepared.labels, "condition": self.condition}
        return ("real", *(name for name, values in given.items() if values is not None))

    @property
    def num_classes(self) -> int | None:
        """Number of its classes."""
        return len(self.prepared.classes) or None

    def source_of(self, name: str) -> str | None:
        """Return the source in which ganeval finds pictures like a tensor."""
        return self.sources.get(name)

    def __len__(self) -> int:
        return len(self.prepared.pixels)

    def batch(self, seed: int, position: int, size: int) -> Batch:
        """Return a part of the stream of epochs; bytes 0 to 255 become -1 to 1."""
        chosen = epoch_indices(len(self), seed=seed, position=position, size=size)
        batch = {"real": _to_floats(self.prepared.pixels[chosen])}
        if self.prepared.labels is not None:
            batch["labels"] = torch.from_numpy(self.prepared.labels[chosen])
        if self.condition is not None and self.partners is not None:
            batch["condition"] = _to_floats(self.condition.pixels[self.partners[chosen]])
        return Batch(batch)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Unpaired:
    """Two data sets of pictures side by side, each in its own order.

    Attributes:
        name: Name of the data.
        real: The pictures that a model learns to make, and their labels.
        condition: The pictures from which it makes them; they are the tensor "condition".
        source: The source in which ganeval finds the conditions.
        digest: Hex SHA-256 of both data sets.
    """

    name: str
    real: Data
    condition: Data
    source: str
    digest: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one picture: (C, H, W)."""
        return self.real.shape

    @property
    def kind(self) -> Kind:
        """Pictures."""
        return "pictures"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tensors in its batches."""
        return (*self.real.names, "condition")

    @property
    def num_classes(self) -> int | None:
        """Number of the classes of the pictures that a model learns to make."""
        return self.real.num_classes

    def source_of(self, name: str) -> str | None:
        """Return the source in which ganeval finds pictures like a tensor."""
        return self.source if name == "condition" else self.real.source_of(name)

    def __len__(self) -> int:
        assert isinstance(self.real, Sized)  # as all pictures are
        return len(self.real)

    def batch(self, seed: int, position: int, size: int) -> Batch:
        """Return a part of both streams; the second has a seed derived from the first seed."""
        real = self.real.batch(seed, position, size)
        second = int(generator(seed, "second stream", 0).integers(2**32))
        other = self.condition.batch(second, position, size)
        tensors = {name: real[name] for name in real.names}
        return Batch({**tensors, "condition": other["real"]})


@dataclass(frozen=True, slots=True, eq=False)
class Flipped:
    """Data of pictures in which each item is mirrored, left to right, with probability 1/2.

    The coin is a function of the seed and of the item's position in the stream. Pictures that
    belong together are mirrored together.

    Attributes:
        data: The data before mirroring.
    """

    data: Data

    @property
    def name(self) -> str:
        """Name of the data."""
        return self.data.name

    @property
    def digest(self) -> str:
        """Digest of the data before mirroring; mirroring is a setting of its own."""
        return self.data.digest

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one picture: (C, H, W)."""
        return self.data.shape

    @property
    def kind(self) -> Kind:
        """Pictures."""
        return self.data.kind

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tensors in its batches."""
        return self.data.names

    @property
    def num_classes(self) -> int | None:
        """Number of its classes."""
        return self.data.num_classes

    def source_of(self, name: str) -> str | None:
        """Return the source in which ganeval finds pictures like a tensor."""
        return self.data.source_of(name)

    def __len__(self) -> int:
        assert isinstance(self.data, Sized)  # as all pictures are
        return len(self.data)

    def batch(self, seed: int, position: int, size: int) -> Batch:
        """Return a part of the stream."""
        batch = self.data.batch(seed, position, size)
        blocks = range(position // _BLOCK, (position + size - 1) // _BLOCK + 1)
        coins = torch.cat(
            [
                torch.from_numpy(generator(seed, "flips", block).integers(2, size=_BLOCK))
                for block in blocks
            ]
        )
        start = position - blocks[0] * _BLOCK
        is_mirrored = coins[start : start + size].bool()

        def mirrored(tensor: Tensor) -> Tensor:
            if tensor.dim() != 4:  # labels
                return tensor
            return torch.where(is_mirrored[:, None, None, None], tensor.flip(3), tensor)

        return Batch({name: mirrored(batch[name]) for name in batch.names})


def _to_floats(pixels: Pixels) -> Tensor:
    """Return bytes from 0 to 255 as float32 from -1 to 1."""
    return torch.from_numpy(pixels).float().div_(127.5).sub_(1)
