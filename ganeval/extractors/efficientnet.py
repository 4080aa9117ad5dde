"""EfficientNet-Lite0: its entry in the table of extractors."""

from collections.abc import Mapping
from typing import ClassVar

from ganeval.extractors.base import Extractor, ExtractorInfo, ExtractorRequest
from ganeval.extractors.weights import locate
from ganeval.images.preparation import Preparation
from ganeval.images.resize import Resize


class EfficientNetLite0:
    """EfficientNet-Lite0 on ImageNet, weights included: 1280 features, 1000 logits."""

    takes_variants: ClassVar[bool] = False
    takes: ClassVar[str] = "picture"

    @staticmethod
    def layers(request: ExtractorRequest) -> Mapping[str, int]:
        """Return the width of each layer."""
        return {"pool": 1280, "logits": 1000, "spatial": 14 * 14 * 7}

    @staticmethod
    def describe(request: ExtractorRequest) -> ExtractorInfo:
        """Return what the extractor is, without building its network.

        Raises:
            WeightsError: The weights are missing, damaged or refused.
        """
        _, sha256 = locate("efficientnet-lite0", request)
        return ExtractorInfo(
            name="efficientnet-lite0",
            version=1,
            weights_sha256=sha256,
            input=Preparation(
                resize=Resize(size=224, backend="pil", filter="bicubic", antialias=True),
                mean=127.0,
                std=128.0,
            ),
            layers=EfficientNetLite0.layers(request),
        )

    @staticmethod
    def from_request(request: ExtractorRequest) -> Extractor:
        """Return the extractor that a user asked for.

        Raises:
            WeightsError: The weights are missing, damaged, refused, or another network's.
        """
        from ganeval.extractors.efficientnet_network import EfficientNetLite0Network, Lite0
        from ganeval.extractors.loading import load_network

        info = EfficientNetLite0.describe(request)
        return EfficientNetLite0Network(load_network(info, Lite0, request), info, request)
