"""The log-mel spectrogram of a clip: its entry in the table of extractors."""

from collections.abc import Mapping
from typing import ClassVar

from ganeval.audio.log_mel import BANDS
from ganeval.audio.preparation import LogMel as Spectrogram
from ganeval.errors import UsageError
from ganeval.extractors.base import NO_WEIGHTS, Extractor, ExtractorInfo, ExtractorRequest


class LogMel:
    """Log-mel spectrogram of clips, no weights: mean and spread of 64 bands, 128 features."""

    takes_variants: ClassVar[bool] = False
    takes: ClassVar[str] = "clip"

    @staticmethod
    def layers(request: ExtractorRequest) -> Mapping[str, int]:
        """Return the width of each layer."""
        return {"pool": 2 * BANDS}

    @staticmethod
    def describe(request: ExtractorRequest) -> ExtractorInfo:
        """Return what the extractor is.

        Raises:
            UsageError: A weight file was given.
        """
        if request.weights_path is not None:
            raise UsageError(
                f"--weights {request.weights_path} with the extractor 'log-mel'",
                "no --weights, since log-mel has none",
                "leave out --weights or choose another extractor",
            )
        return ExtractorInfo(
            name="log-mel",
            version=1,
            weights_sha256=NO_WEIGHTS,
            input=Spectrogram(),
            layers=LogMel.layers(request),
            default_layers=("pool",),
            one_by_one=True,
        )

    @staticmethod
    def from_request(request: ExtractorRequest) -> Extractor:
        """Return the extractor.

        Raises:
            UsageError: A weight file was given.
        """
        from ganeval.extractors.log_mel_network import LogMelNetwork

        return LogMelNetwork(LogMel.describe(request))
