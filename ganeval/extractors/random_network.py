"""A tiny network with random weights, for tests; an image takes microseconds."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from ganeval.extractors.base import ExtractorInfo, ExtractorRequest
from ganeval.extractors.inference import first_maps, place, to_device
from ganeval.machine.devices import inference

SEED = 0


class Tiny(nn.Module):
    """Two convolutions and a classifier, He-initialised from `seed`."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)

        def normal(*shape: int, gain: float = math.sqrt(2)) -> nn.Parameter:
            deviation = gain / math.sqrt(math.prod(shape[1:]))
            return nn.Parameter(deviation * torch.randn(shape, generator=generator))

        self.edges = normal(16, 3, 5, 5)
        self.textures = normal(64, 16, 3, 3)
        self.classes = normal(10, 64, gain=10)  # spreads the logits by about 1

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return non-negative maps [N, 64, 6, 6] of images [N, 3, 32, 32]."""
        maps = F.relu(F.conv2d(images, self.edges.to(images.dtype), stride=2))
        return F.relu(F.conv2d(maps, self.textures.to(maps.dtype), stride=2))


class RandomNetwork:
    """The network on a device."""

    def __init__(self, info: ExtractorInfo, request: ExtractorRequest) -> None:
        self.info = info
        self.device, self.precision = torch.device(request.device), request.precision
        self.network = Tiny(SEED)
        place(self.network, self.device, self.precision)

    def __call__(self, batch: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Return the requested layers.

        * `pool` [N, 64] and `logits` [N, 10].
        * `spatial` [N, 6 * 6 * 7]: the first 7 of the 64 maps whose means are `pool`.

        Args:
            batch: float32 [N, 3, 32, 32], resized and normalised.
            layers: Names of the layers to return.
        """
        with inference(self.device):
            maps = self.network(to_device(batch, self.device, self.precision))
            outputs = {"pool": maps.float().mean(dim=(2, 3))}
            if "logits" in layers:
                outputs["logits"] = outputs["pool"] @ self.network.classes.T
            if "spatial" in layers:
                outputs["spatial"] = first_maps(maps)
            return {layer: outputs[layer] for layer in layers}
