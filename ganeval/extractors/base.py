"""The types that all extractors share, and the table of extractors."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from ganeval.errors import UsageError
from ganeval.packages import Outside
from ganeval.registry import Registry

if TYPE_CHECKING:  # what a network is can be told without loading torch
    import torch

EXTRACTORS = Registry(
    "extractor",
    {
        "inception": "ganeval.extractors.inception:Inception",
        "efficientnet-lite0": "ganeval.extractors.efficientnet:EfficientNetLite0",
        "random": "ganeval.extractors.random:Random",
        "pixels": "ganeval.extractors.pixels:Pixels",
        "lpips-alex": "ganeval.extractors.lpips:LpipsAlex",
        "lpips-vgg": "ganeval.extractors.lpips:LpipsVgg",
        "lpips-squeeze": "ganeval.extractors.lpips:LpipsSqueeze",
        "log-mel": "ganeval.extractors.log_mel:LogMel",
        "crepe-tiny": "ganeval.extractors.crepe:CrepeTiny",
        "vggish": "ganeval.extractors.vggish:Vggish",
        "waveforms": "ganeval.extractors.waveforms:Waveforms",
        "log-mel-pairs": "ganeval.extractors.waveforms:LogMelPairs",
    },
    Outside(
        group="ganeval.extractors",
        members=("takes_variants", "layers", "describe", "from_request"),
    ),
)

NO_WEIGHTS = hashlib.sha256().hexdigest()
"""The digest of the weights of an extractor that has none."""

Precision = Literal["float32", "bfloat16"]


class Input(Protocol):
    """Turns an item's content into a network's input; a frozen dataclass.

    Attributes:
        takes: The content that it takes: "picture", "pair of pictures", "clip".
    """

    takes: ClassVar[str]

    def __call__(self, content: Any, /) -> torch.Tensor:
        """Return the input of one item, float32 on the CPU, in new memory."""

    def to_json(self) -> dict[str, Any]:
        """Return its settings for cache keys and reports, as JSON values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractorInfo:
    """Facts about an extractor.

    Attributes:
        name: `NAME` or `FAMILY:VARIANT`, by which it is chosen.
        version: Raised when the same weights would give other features.
        weights_sha256: Hex digest of the weight file (of the tensors for `random`, `NO_WEIGHTS` for
            an extractor without weights).
        input: The preparation it was trained with; a protocol may override it only for `inception`.
        layers: Width of each layer. `"pool"` holds the features of FID, KID and the neighbour
            metrics. `"logits"` holds what the Inception Score is defined on. `"spatial"` holds the
            features of sFID: a few maps of an inner block, not averaged.
        default_layers: The layers that are stored whenever the network runs.
        one_by_one: Whether the network sees one item at a time, because they differ in size.
    """

    name: str
    version: int
    weights_sha256: str
    input: Input
    layers: Mapping[str, int]
    default_layers: tuple[str, ...] = ("pool", "logits")
    one_by_one: bool = False


class Extractor(Protocol):
    """A network on a device, in evaluation mode."""

    @property
    def info(self) -> ExtractorInfo:
        """Facts about the extractor."""

    def __call__(self, batch: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Return the features of the requested layers, float32 [N, width] on the network's device.

        The bits of a layer do not depend on which other layers are requested.

        Args:
            batch: float32 [N, ...], prepared as `info` says, on the CPU.
            layers: Names from `info.layers`.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractorRequest:
    """What a user asks of an extractor.

    Attributes:
        weights_path: A weight file of the user's own.
        device: A device by torch's name: "cpu", "cuda", "cuda:1", "mps".
        precision: Precision of the network's arithmetic.
        offline: Download nothing.
        variant: Which network of a family.
    """

    weights_path: Path | None = None
    device: str = "cpu"
    precision: Precision = "float32"
    offline: bool = False
    variant: str | None = None


class ExtractorKind(Protocol):
    """An entry of the table. Its module, `layers` and `describe` do not load torch.

    An entry may say what it takes by `takes: ClassVar[str]`, as its `Input` does. Then other
    content is refused even if the weights are missing.

    Attributes:
        takes_variants: Whether it is a family, in which each variant is a network.
    """

    takes_variants: ClassVar[bool]

    @staticmethod
    def layers(request: ExtractorRequest) -> Mapping[str, int]:
        """Return the width of each layer, which is known without weights."""

    @staticmethod
    def describe(request: ExtractorRequest) -> ExtractorInfo:
        """Return what the extractor is, without building its network.

        Raises:
            WeightsError: The weights are missing, damaged or refused.
            UsageError: The request does not fit this extractor.
        """

    @staticmethod
    def from_request(request: ExtractorRequest) -> Extractor:
        """Return the extractor that a user asked for; its `info` is what `describe` returns.

        Raises:
            WeightsError: The weights are missing, damaged, refused, or another network's.
            UsageError: The request does not fit this extractor.
        """


@dataclass(frozen=True, slots=True)
class ChosenExtractor:
    """An entry of the table and, for a family, the chosen network.

    Attributes:
        text: `NAME` or `FAMILY:VARIANT`, as the user wrote it.
        kind: The entry.
        variant: Which network of a family.
        package: The package that adds the entry; None for ganeval's own.
    """

    text: str
    kind: ExtractorKind
    variant: str | None
    package: str | None = None

    @property
    def takes(self) -> str | None:
        """The content that it takes; see `Input.takes`. None if only `describe` can tell."""
        return getattr(self.kind, "takes", None)

    def layers(self, request: ExtractorRequest) -> Mapping[str, int]:
        """Return the width of each layer; see `ExtractorKind`."""
        return self.kind.layers(replace(request, variant=self.variant))

    def width(self, layer: str, request: ExtractorRequest) -> int:
        """Return the width of one layer, which is known without weights.

        Raises:
            UsageError: There is no such layer; the message lists the layers.
        """
        layers = self.layers(request)
        if layer not in layers:
            raise UsageError(
                f"extractor {self.text} has no layer {layer}",
                f"one of {', '.join(layers)}",
                "choose another layer or extractor",
            )
        return layers[layer]

    def describe(self, request: ExtractorRequest) -> ExtractorInfo:
        """Return what the extractor is; see `ExtractorKind`.

        Raises:
            UsageError: It gives another name, which may be the cache key of another extractor.
        """
        info = self.kind.describe(replace(request, variant=self.variant))
        if info.name != self.text:
            raise UsageError(
                f"extractor '{self.text}' says that its name is '{info.name}'",
                f"an ExtractorInfo with the name '{self.text}'",
                "report this to its authors",
            )
        return info

    def from_request(self, request: ExtractorRequest) -> Extractor:
        """Return the extractor; see `ExtractorKind`."""
        return self.kind.from_request(replace(request, variant=self.variant))


def find_extractor(text: str) -> ChosenExtractor:
    """Return the extractor that `NAME` or `FAMILY:VARIANT` means.

    Everything after the first colon is left to the family.

    Raises:
        UsageError: There is no such name, a family has no variant, or a single network has one.
    """
    name, colon, variant = text.partition(":")
    added = EXTRACTORS.find(name)
    kind: ExtractorKind = EXTRACTORS.load(name)
    if kind.takes_variants and not variant:
        raise UsageError(
            f"extractor '{text}' is a family of networks",
            "the name of one of them after a colon",
            f"write {name}:VARIANT",
        )
    if colon and not kind.takes_variants:
        raise UsageError(
            f"extractor '{text}' has a variant",
            f"no variant, since {name} has none",
            f"write {name} alone",
        )
    return ChosenExtractor(text, kind, variant or None, None if added is None else added.package)


def extractors_of(content: str) -> list[str]:
    """Return the names of the extractors whose `takes` is this content."""
    return [
        name
        for name in EXTRACTORS.names()
        if getattr(EXTRACTORS.load(name), "takes", None) == content
    ]
