"""Differences of two clips: their entries in the table of extractors."""

from collections.abc import Mapping
from typing import ClassVar

from ganeval.audio.compare import MEASURES, SPECTRAL, Measure
from ganeval.audio.log_mel import RATE
from ganeval.audio.preparation import ClipPair
from ganeval.errors import UsageError
from ganeval.extractors.base import NO_WEIGHTS, Extractor, ExtractorInfo, ExtractorRequest


class Waveforms:
    """Comparer of two clips by their samples, without weights: signal, noise, spectra."""

    takes_variants: ClassVar[bool] = False
    takes: ClassVar[str] = "pair of clips"
    name: ClassVar[str] = "waveforms"
    measures: ClassVar[Mapping[str, tuple[Measure, int]]] = MEASURES
    input: ClassVar[ClipPair] = ClipPair()

    @classmethod
    def layers(cls, request: ExtractorRequest) -> Mapping[str, int]:
        """Return the width of each layer."""
        return {layer: width for layer, (_, width) in cls.measures.items()}

    @classmethod
    def describe(cls, request: ExtractorRequest) -> ExtractorInfo:
        """Return what the comparer is.

        Raises:
            UsageError: A weight file was given.
        """
        if request.weights_path is not None:
            raise UsageError(
                f"--weights {request.weights_path} with the extractor '{cls.name}'",
                f"no --weights, since {cls.name} has none",
                "leave out --weights or choose another extractor",
            )
        return ExtractorInfo(
            name=cls.name,
            version=1,
            weights_sha256=NO_WEIGHTS,
            input=cls.input,
            layers=cls.layers(request),
            default_layers=(),
            one_by_one=True,
        )

    @classmethod
    def from_request(cls, request: ExtractorRequest) -> Extractor:
        """Return the comparer.

        Raises:
            UsageError: A weight file was given.
        """
        from ganeval.extractors.waveforms_network import WaveformsNetwork

        return WaveformsNetwork(cls.describe(request), cls.measures)


class LogMelPairs(Waveforms):
    """Comparer of two clips by their log-mel spectra at 16,000 Hz, without weights."""

    name: ClassVar[str] = "log-mel-pairs"
    measures: ClassVar[Mapping[str, tuple[Measure, int]]] = SPECTRAL
    input: ClassVar[ClipPair] = ClipPair(RATE)
