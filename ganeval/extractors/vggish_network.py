"""VGGish: VGG's configuration A with fewer layers, on log-mel spectrograms.

Hershey et al., "CNN Architectures for Large-Scale Audio Classification" (ICASSP 2017), as published
with AudioSet. The tensors have torchvggish's names.
"""

from collections.abc import Sequence

import torch
from torch import nn

from ganeval.extractors.base import ExtractorInfo, ExtractorRequest
from ganeval.extractors.inference import place, to_device
from ganeval.machine.devices import inference

_BLOCKS = ((64,), (128,), (256, 256), (512, 512))
_AT_ONCE = 64  # pieces of 0.96 s


class Vgg(nn.Module):
    """Four blocks of convolutions, each pooled by 2, and three linear layers."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = 1
        for block in _BLOCKS:
            for channels in block:
                layers += [nn.Conv2d(width, channels, 3, padding=1), nn.ReLU()]
                width = channels
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.embeddings = nn.Sequential(
            *(nn.Linear(512 * 6 * 4, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU()),
            nn.Linear(4096, 128),
        )

    def forward(self, pieces: torch.Tensor) -> torch.Tensor:
        """Return the embedding before its ReLU, [P, 128], of pieces [P, 1, 96, 64]."""
        # TensorFlow's order, in which the channels come last.
        maps = self.features(pieces).permute(0, 2, 3, 1).flatten(1)
        embedded: torch.Tensor = self.embeddings(maps.float())
        return embedded


class VggishNetwork:
    """The network on a device."""

    def __init__(self, network: Vgg, info: ExtractorInfo, request: ExtractorRequest) -> None:
        self.info, self.network = info, network
        self.device, self.precision = torch.device(request.device), request.precision
        place(network, self.device, self.precision)

    def __call__(self, batch: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Return the mean over the pieces of each clip, [N, 128].

        * `pool`: the embeddings before their ReLU, as the published network gives them.
        * `activation`: the embeddings after it, as torchvggish gives them.

        Args:
            batch: float32 [N, pieces, 96, 64].
            layers: Names of the layers to return.
        """
        found: dict[str, list[torch.Tensor]] = {layer: [] for layer in layers}
        with inference(self.device):
            for pieces in batch:
                embedded = torch.cat(
                    [
                        self.network(to_device(part[:, None], self.device, self.precision))
                        for part in pieces.split(_AT_ONCE)
                    ]
                ).double()
                for layer in layers:
                    values = embedded.relu() if layer == "activation" else embedded
                    found[layer].append(values.mean(dim=0).float())
        return {layer: torch.stack(rows) for layer, rows in found.items()}
