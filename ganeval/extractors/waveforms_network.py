"""The measures of two clips, in place of a network."""

from collections.abc import Mapping, Sequence

import torch

from ganeval.audio.compare import Measure
from ganeval.extractors.base import ExtractorInfo


class WaveformsNetwork:
    """Measures of pairs of clips, in float64 on the CPU whatever the run's precision and device."""

    def __init__(self, info: ExtractorInfo, measures: Mapping[str, tuple[Measure, int]]) -> None:
        self.info = info
        self._measures = measures

    def __call__(self, batch: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Return the requested measures, float32 [N, 1] or [N, 2].

        Args:
            batch: float32 [N, 2, channels, samples].
            layers: Names of the layers to return.
        """
        pairs = batch.double().numpy()
        return {
            layer: torch.tensor(
                [self._measures[layer][0](one, other) for one, other in pairs],
                dtype=torch.float32,
            )
            for layer in layers
        }
