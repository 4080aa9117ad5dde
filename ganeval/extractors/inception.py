"""The Inception-v3 graph of 2015: its entry in the table of extractors."""

from collections.abc import Mapping
from typing import ClassVar

from ganeval.extractors.base import Extractor, ExtractorInfo, ExtractorRequest
from ganeval.extractors.weights import locate
from ganeval.images.preparation import Preparation
from ganeval.images.resize import Resize


class Inception:
    """Inception-v3 of 2015, on which FID is defined: 2048 features, 1008 logits without bias."""

    takes_variants: ClassVar[bool] = False
    takes: ClassVar[str] = "picture"

    @staticmethod
    def layers(request: ExtractorRequest) -> Mapping[str, int]:
        """Return the width of each layer."""
        return {"pool": 2048, "logits": 1008, "logits_biased": 1008, "spatial": 17 * 17 * 7}

    @staticmethod
    def describe(request: ExtractorRequest) -> ExtractorInfo:
        """Return what the extractor is, without building its network.

        Raises:
            WeightsError: The weights are missing, damaged or refused.
        """
        _, sha256 = locate("inception", request)
        return ExtractorInfo(
            name="inception",
            version=1,
            weights_sha256=sha256,
            input=Preparation(
                resize=Resize(size=299, backend="tf1", filter="bilinear", antialias=False),
                mean=128.0,
                std=128.0,
            ),
            layers=Inception.layers(request),
        )

    @staticmethod
    def from_request(request: ExtractorRequest) -> Extractor:
        """Return the extractor that a user asked for.

        Raises:
            WeightsError: The weights are missing, damaged, refused, or another network's.
        """
        from ganeval.extractors.inception_network import InceptionNetwork, fid_inception
        from ganeval.extractors.loading import load_network

        info = Inception.describe(request)
        return InceptionNetwork(load_network(info, fid_inception, request), info, request)
