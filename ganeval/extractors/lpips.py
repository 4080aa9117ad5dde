"""LPIPS, the perceived difference of two pictures: its entries in the table of extractors."""

from collections.abc import Mapping
from typing import ClassVar

from ganeval.extractors.base import Extractor, ExtractorInfo, ExtractorRequest
from ganeval.extractors.weights import fetch, locate
from ganeval.images.preparation import NativePair


class Lpips:
    """LPIPS 0.1: compares two pictures by the features of a network."""

    takes_variants: ClassVar[bool] = False
    takes: ClassVar[str] = "pair of pictures"
    trunk: ClassVar[str]

    @classmethod
    def layers(cls, request: ExtractorRequest) -> Mapping[str, int]:
        """Return the width of each layer."""
        return {"distance": 1}

    @classmethod
    def describe(cls, request: ExtractorRequest) -> ExtractorInfo:
        """Return what the comparer is, without building its network.

        Raises:
            WeightsError: The weights of the network or of the distance are missing or damaged.
        """
        name = f"lpips-{cls.trunk}"
        fetch(f"{name}-heads", offline=request.offline)
        return ExtractorInfo(
            name=name,
            version=1,
            weights_sha256=locate(name, request)[1],
            input=NativePair(),
            layers=cls.layers(request),
            default_layers=("distance",),
            one_by_one=True,
        )

    @classmethod
    def from_request(cls, request: ExtractorRequest) -> Extractor:
        """Return the comparer.

        Raises:
            WeightsError: The weights are missing, damaged, refused, or another network's.
        """
        from ganeval.extractors.lpips_network import LpipsNetwork, load_heads, load_trunk

        info = cls.describe(request)
        trunk = load_trunk(cls.trunk, info, request)
        return LpipsNetwork(cls.trunk, trunk, load_heads(info.name), info, request)


class LpipsAlex(Lpips):
    """LPIPS 0.1 with AlexNet: how different two pictures look; its authors' default."""

    trunk: ClassVar[str] = "alex"


class LpipsVgg(Lpips):
    """LPIPS 0.1 with VGG-16: how different two pictures look; used for path lengths."""

    trunk: ClassVar[str] = "vgg"


class LpipsSqueeze(Lpips):
    """LPIPS 0.1 with SqueezeNet: how different two pictures look; few weights."""

    trunk: ClassVar[str] = "squeeze"
