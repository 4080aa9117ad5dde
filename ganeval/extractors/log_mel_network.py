"""Features computed from a clip's log-mel spectrogram, in place of a network."""

from collections.abc import Sequence

import torch

from ganeval.extractors.base import ExtractorInfo


class LogMelNetwork:
    """The mean and the standard deviation of each band over the frames of a clip.

    They are computed in float64 on the CPU, whatever the precision and the device of the run.
    """

    def __init__(self, info: ExtractorInfo) -> None:
        self.info = info

    def __call__(self, batch: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Return `pool` [N, 128]: 64 means, then 64 standard deviations with ddof 0.

        Args:
            batch: float32 [N, frames, 64].
            layers: Names of the layers to return.
        """
        spectra = batch.double()
        means, deviations = spectra.mean(dim=1), spectra.std(dim=1, correction=0)
        pool = torch.cat([means, deviations], dim=1).float()
        return dict.fromkeys(layers, pool)
