"""A tiny network with random weights: its entry in the table of extractors."""

from collections.abc import Mapping
from typing import ClassVar

from ganeval.errors import UsageError
from ganeval.extractors.base import Extractor, ExtractorInfo, ExtractorRequest
from ganeval.images.preparation import Preparation
from ganeval.images.resize import Resize

# The digest of the tensors that torch draws from the seed on a processor with AVX2. Other
# processors may round a few of them differently, and the features too.
_SHA256 = "0efda6114c4006b13c9f9afe71e50d9b52d42526802ecb25045f3e36b77edc58"


class Random:
    """A tiny network with random weights from a seed, for tests: 64 features, 10 logits."""

    takes_variants: ClassVar[bool] = False
    takes: ClassVar[str] = "picture"

    @staticmethod
    def layers(request: ExtractorRequest) -> Mapping[str, int]:
        """Return the width of each layer."""
        return {"pool": 64, "logits": 10, "spatial": 6 * 6 * 7}

    @staticmethod
    def describe(request: ExtractorRequest) -> ExtractorInfo:
        """Return what the extractor is, without building its network.

        Raises:
            UsageError: A weight file was given.
        """
        if request.weights_path is not None:
            raise UsageError(
                f"--weights {request.weights_path} with the extractor 'random'",
                "no --weights, since random makes its own",
                "leave out --weights or choose another extractor",
            )
        return ExtractorInfo(
            name="random",
            version=1,
            weights_sha256=_SHA256,
            input=Preparation(
                resize=Resize(size=32, backend="torch", filter="bilinear", antialias=True),
                mean=127.5,
                std=127.5,
            ),
            layers=Random.layers(request),
        )

    @staticmethod
    def from_request(request: ExtractorRequest) -> Extractor:
        """Return the extractor that a user asked for.

        Raises:
            UsageError: A weight file was given.
        """
        from ganeval.extractors.random_network import RandomNetwork

        return RandomNetwork(Random.describe(request), request)
