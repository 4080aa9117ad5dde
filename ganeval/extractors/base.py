"""The types that every extractor speaks, and the table of extractors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import torch

from ganeval.images.preprocess import Preprocess
from ganeval.registry import Registry

EXTRACTORS = Registry(
    "extractor",
    {
        "inception": "ganeval.extractors.inception:Inception",
        "efficientnet-lite0": "ganeval.extractors.efficientnet:EfficientNetLite0",
        "random": "ganeval.extractors.random:Random",
    },
)

Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractorInfo:
    """What an extractor is.

    Attributes:
        name: Its name in the table.
        version: Raised when the same weights would give other features.
        weights_sha256: Hex digest of the weight file (of the seed and layout for `random`).
        preprocess: The preprocessing it was trained with; a protocol may override it for
            `inception` alone.
        layers: Width of each layer that can be asked for. `"pool"` are the features of FID, KID
            and the neighbour metrics; `"logits"` are what the Inception Score is defined on.
        default_layers: The layers that are stored in passing whenever the network runs.
    """

    name: str
    version: int
    weights_sha256: str
    preprocess: Preprocess
    layers: Mapping[str, int]
    default_layers: tuple[str, ...] = ("pool", "logits")


class Extractor(Protocol):
    """A network on a device, in evaluation mode."""

    @property
    def info(self) -> ExtractorInfo:
        """What the extractor is."""

    def __call__(self, batch: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Return the features of the layers asked for, float32 [N, width] on the network's device.

        The bits of a layer do not depend on which others are asked for.

        Args:
            batch: float32 [N, ...], prepared as `info` says, on the CPU.
            layers: Names out of `info.layers`.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractorRequest:
    """What a user asks of an extractor.

    Every class in the table has `from_request(request) -> Extractor`, and `num_features`, the width
    of `"pool"`, which is known without weights. Nothing is downloaded when `offline` is set.
    """

    weights_path: Path | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    precision: Precision = "float32"
    offline: bool = False
