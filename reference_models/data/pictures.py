"""Pictures in memory, in epochs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

import ganeval
from reference_models.data.memory import Array, InMemory
from reference_models.data.order import Indices
from reference_models.engine.data import Kind

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Pictures(InMemory):
    """A finite set of pictures of one size, kept as bytes.

    Attributes:
        pixels: uint8 [N, C, H, W], N at least 1.
        condition: float32 [N, 3, H, W] in [-1, 1], the input from which each picture is to be made;
            or None.
        sources: Sources in which ganeval finds pictures like a tensor, by the tensor's name.
        attributes: int64 [N, A], known properties of each picture beyond its class.
    """

    pixels: Pixels
    sources: Mapping[str, str] = field(default_factory=dict)
    attributes: npt.NDArray[np.int64] | None = None

    @property
    def kind(self) -> Kind:
        """Pictures."""
        return "pictures"

    def arrays(self) -> tuple[Array | None, ...]:
        """Return the pixels, labels, conditions and attributes."""
        return self.pixels, self.labels, self.condition, self.attributes

    def real(self, chosen: Indices) -> Tensor:
        """Return some of the pictures, float32 [B, C, H, W]; bytes 0 to 255 become -1 to 1."""
        return torch.from_numpy(self.pixels[chosen]).float() / 127.5 - 1

    def source_of(self, name: str) -> str | None:
        """Return the source in which ganeval finds pictures like a tensor of the batches."""
        return self.sources.get(name)


def with_channels(pixels: Pixels, channels: int, *, name: str) -> Pixels:
    """Return pictures with 3 channels unchanged, or grey ones with their single channel.

    Args:
        pixels: uint8 [N, 3, H, W].
        channels: 1 or 3.
        name: Name of the pictures in messages.

    Raises:
        GanevalError: The number of channels is not 1 or 3, or it is 1 but pictures have colour.
    """
    if channels == 3:
        return pixels
    if channels != 1:
        raise ganeval.GanevalError(
            f"{name}: channels is {channels}", "1 (grey) or 3 (RGB)", "change channels"
        )
    if not (pixels == pixels[:, :1]).all():
        raise ganeval.GanevalError(
            f"{name}: channels is 1, but the pictures have colour",
            "grey pictures",
            "use 3 channels, or convert the pictures",
        )
    return np.ascontiguousarray(pixels[:, :1])
