"""Pictures in memory, in epochs."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

import ganeval
from reference_models.data.order import epoch_indices
from reference_models.engine.data import Batch, Kind

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Pictures:
    """A finite set of pictures of one size, kept as bytes.

    Attributes:
        name: What the data is called.
        pixels: uint8 [N, C, H, W], N at least 1.
        labels: int64 [N], the classes if any.
        condition: float32 [N, 3, H, W] in [-1, 1], what each picture is to be made from if paired.
        sources: Where ganeval finds pictures like a tensor of the batches, by the tensor's name.
        attributes: int64 [N, A], what is known of each picture beyond its class.
        digest: Hex SHA-256 of all arrays, their shapes and types; made here.
    """

    name: str
    pixels: Pixels
    labels: npt.NDArray[np.int64] | None = None
    condition: npt.NDArray[np.float32] | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    attributes: npt.NDArray[np.int64] | None = None
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Digest the content."""
        object.__setattr__(self, "digest", self._digest())

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one picture: (C, H, W)."""
        return self.pixels.shape[1:]

    @property
    def kind(self) -> Kind:
        """Pictures."""
        return "pictures"

    @property
    def names(self) -> tuple[str, ...]:
        """Of the tensors in its batches."""
        given = {"labels": self.labels, "condition": self.condition}
        return ("real", *(name for name, values in given.items() if values is not None))

    @property
    def num_classes(self) -> int | None:
        """One more than the largest label."""
        return None if self.labels is None else int(self.labels.max()) + 1

    def source_of(self, name: str) -> str | None:
        """Return where ganeval finds pictures like a tensor."""
        return self.sources.get(name)

    def __len__(self) -> int:
        return len(self.pixels)

    def batch(self, seed: int, position: int, size: int) -> Batch:
        """Return a part of the stream of epochs; bytes 0 to 255 become -1 to 1."""
        chosen = epoch_indices(len(self), seed=seed, position=position, size=size)
        batch = {"real": torch.from_numpy(self.pixels[chosen]).float() / 127.5 - 1}
        if self.labels is not None:
            batch["labels"] = torch.from_numpy(self.labels[chosen])
        if self.condition is not None:
            batch["condition"] = torch.from_numpy(self.condition[chosen])
        return Batch(batch)

    def _digest(self) -> str:
        """Return the SHA-256 of what each array is and holds."""
        sha256 = hashlib.sha256()
        for part in (self.pixels, self.labels, self.condition, self.attributes):
            if part is None:
                sha256.update(b"none;")
                continue
            little = np.ascontiguousarray(part, dtype=part.dtype.newbyteorder("<"))
            sha256.update(f"{little.dtype.str}{little.shape};".encode())
            sha256.update(little.tobytes())
        return sha256.hexdigest()


def with_channels(pixels: Pixels, channels: int, *, name: str) -> Pixels:
    """Return RGB as RGB, or grey pictures stored as RGB with their one channel.

    Args:
        pixels: uint8 [N, 3, H, W].
        channels: 1 or 3.
        name: What messages call the pictures.

    Raises:
        GanevalError: Another number of channels, or one channel of pictures with colour.
    """
    if channels == 3:
        return pixels
    if channels != 1:
        raise ganeval.GanevalError(
            f"{name}: {channels} channels asked for", "1 (grey) or 3 (RGB)", "change channels"
        )
    if not (pixels == pixels[:, :1]).all():
        raise ganeval.GanevalError(
            f"{name}: 1 channel asked for of pictures with colour",
            "grey pictures",
            "train on 3 channels or convert the pictures",
        )
    return np.ascontiguousarray(pixels[:, :1])
