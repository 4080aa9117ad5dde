"""Differences of two pictures, pixel by pixel: their entry in the table of extractors."""

from collections.abc import Mapping
from typing import ClassVar

from ganeval.errors import UsageError
from ganeval.extractors.base import NO_WEIGHTS, Extractor, ExtractorInfo, ExtractorRequest
from ganeval.images.preparation import NativePair


class Pixels:
    """Comparer of two pictures by their pixels, without weights: squared error and SSIM."""

    takes_variants: ClassVar[bool] = False
    takes: ClassVar[str] = "pair of pictures"

    @staticmethod
    def layers(request: ExtractorRequest) -> Mapping[str, int]:
        """Return the width of each layer."""
        return {"psnr-mse": 1, "ssim": 1, "distance": 1}

    @staticmethod
    def describe(request: ExtractorRequest) -> ExtractorInfo:
        """Return what the comparer is.

        Raises:
            UsageError: A weight file was given.
        """
        if request.weights_path is not None:
            raise UsageError(
                f"--weights {request.weights_path} with the extractor 'pixels'",
                "no --weights, since pixels has none",
                "leave out --weights or choose another extractor",
            )
        return ExtractorInfo(
            name="pixels",
            version=1,
            weights_sha256=NO_WEIGHTS,
            input=NativePair(),
            layers=Pixels.layers(request),
            default_layers=(),
            one_by_one=True,
        )

    @staticmethod
    def from_request(request: ExtractorRequest) -> Extractor:
        """Return the comparer.

        Raises:
            UsageError: A weight file was given.
        """
        from ganeval.extractors.pixels_network import PixelsNetwork

        return PixelsNetwork(Pixels.describe(request))
