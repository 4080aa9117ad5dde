"""The types that every extractor speaks, and the table of extractors."""

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
    """What turns an item's content into a network's input: a frozen dataclass.

    Attributes:
        takes: The content that it takes: "picture", "pair of pictures", "clip".
    """

    takes: ClassVar[str]

    def __call__(self, content: Any, /) -> torch.Tensor:
        """Return the input of one item, float32 on the CPU, new memory."""

    def to_json(self) -> dict[str, Any]:
        """Return what cache keys and reports say of it, as JSON values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractorInfo:
    """Facts about a extractor.

    Attributes:
        name: What chooses it: `NAME` or `FAMILY:VARIANT`.
        version: Raised when the same weights would give other features.
        weights_sha256: Hex digest of the weight file (of the tensors for `random`, `NO_WEIGHTS` for
            what has none).
        input: The preparation it was trained with; a protocol may override it for `inception`
            alone.
        layers: Width of each layer that can be asked for. `"pool"` are the features of FID, KID
            and the neighbour metrics; `"logits"` are what the Inception Score is defined on;
            `"spatial"` are those of sFID, a few maps of an inner block that are not averaged.
        default_layers: The layers that are stored in passing whenever the network runs.
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
        """Return the features of the layers asked for, float32 [N, width] on the network's device.

        The bits of a layer do not depend on which others are asked for.

        Args:
            batch: float32 [N, ...], prepared as `info` says, on the CPU.
            layers: Names out of `info.layers`.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractorRequest:
    """What a user asks of an extractor.

    Attributes:
        weights_path: A weight file of the user's own.
        device: As torch names it: "cpu", "cuda", "cuda:1", "mps".
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
    """An entry of the table. Its module, `layers` and `describe` load no torch.

    One that says what it takes by `takes: ClassVar[str]`, as its `Input` does, is refused for other
    content even where its weights are missing.

    Attributes:
        takes_variants: Whether it is a family, each variant of which is a network.
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
            UsageError: The request means nothing for this extractor.
        """

    @staticmethod
    def from_request(request: ExtractorRequest) -> Extractor:
        """Return the extractor that a user asked for; its `info` is what `describe` returns.

        Raises:
            WeightsError: The weights are missing, damaged, refused, or another network's.
            UsageError: The request means nothing for this extractor.
        """


@dataclass(frozen=True, slots=True)
class ChosenExtractor:
    """An entry of the table, and which of its networks is meant if it is a family.

    Attributes:
        text: What chose it.
        kind: The entry.
        variant: Which network of a family.
        package: The package that adds the entry; None for one of ours.
    """

    text: str
    kind: ExtractorKind
    variant: str | None
    package: str | None = None

    @property
    def takes(self) -> str | None:
        """The content that it takes; see `Input.takes`. None if only `describe` tells."""
        return getattr(self.kind, "takes", None)

    def layers(self, request: ExtractorRequest) -> Mapping[str, int]:
        """Return the width of each layer; see `ExtractorKind`."""
        return self.kind.layers(replace(request, variant=self.variant))

    def width(self, layer: str, request: ExtractorRequest) -> int:
        """Return the width of one layer, which is known without weights.

        Raises:
            UsageError: There is no such layer; the message has those that there are.
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
            UsageError: It goes by another name, under which the features of another may be kept.
        """
        info = self.kind.describe(replace(request, variant=self.variant))
        if info.name != self.text:
            raise UsageError(
                f"extractor '{self.text}' says that its name is '{info.name}'",
                f"an ExtractorInfo of the name '{self.text}'",
                "tell its authors",
            )
        return info

    def from_request(self, request: ExtractorRequest) -> Extractor:
        """Return the extractor; see `ExtractorKind`."""
        return self.kind.from_request(replace(request, variant=self.variant))


def find_extractor(text: str) -> ChosenExtractor:
    """Return the extractor that `NAME` or `FAMILY:VARIANT` means.

    What follows the first colon is the family's to read.

    Raises:
        UsageError: There is no such name, a family without a variant, or a variant of what is none.
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
            f"extractor '{text}' has a variant", f"{name} has none", f"write {name} alone"
        )
    return ChosenExtractor(text, kind, variant or None, None if added is None else added.package)


def extractors_of(content: str) -> list[str]:
    """Return the names of the extractors that say that they take a content."""
    return [
        name
        for name in EXTRACTORS.names()
        if getattr(EXTRACTORS.load(name), "takes", None) == content
    ]
