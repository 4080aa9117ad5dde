"""LPIPS with torchvision's networks and the linear heads from the lpips package.

Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric" (2018), in
version 0.1 of the weights published with it.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
import torchvision.models
from torch import nn

from ganeval.errors import InputError
from ganeval.extractors.base import ExtractorInfo, ExtractorRequest
from ganeval.extractors.inference import place, to_device
from ganeval.extractors.loading import load_network
from ganeval.extractors.state_dict import parse_state_dict
from ganeval.extractors.weights import fetch, read_weights
from ganeval.machine.devices import inference


class Cut(NamedTuple):
    """The layers of a trunk whose maps are compared.

    Attributes:
        taps: Indices of layers in torchvision's `features`; the maps after them are compared.
        least: The smallest side of a picture, in pixels, that still gives maps after the last.
    """

    taps: tuple[int, ...]
    least: int


CUTS: Mapping[str, Cut] = {
    "alex": Cut((1, 4, 7, 9, 11), 31),
    "vgg": Cut((3, 8, 15, 22, 29), 16),
    "squeeze": Cut((1, 4, 7, 9, 10, 11, 12), 17),
}

# torchvision's mean and standard deviation of ImageNet, rounded, on the scale of -1..1.
SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)


def build_trunk(name: str) -> nn.Sequential:
    """Build the convolutions of a trunk without weights; the classifier is not used."""
    networks = {
        "alex": torchvision.models.alexnet,
        "vgg": torchvision.models.vgg16,
        "squeeze": torchvision.models.squeezenet1_1,
    }
    features = networks[name](weights=None).features
    return nn.Sequential(OrderedDict(features=features[: CUTS[name].taps[-1] + 1]))


def load_trunk(name: str, info: ExtractorInfo, request: ExtractorRequest) -> nn.Sequential:
    """Return the convolutions of a trunk with their weights, on the CPU.

    Raises:
        WeightsError: The weights are missing, damaged, refused, or another network's.
    """
    network = load_network(info, lambda: build_trunk(name), request, ignored=("classifier.",))
    trunk = network[0]
    assert isinstance(trunk, nn.Sequential)
    return trunk


def load_heads(name: str) -> list[torch.Tensor]:
    """Return the weight of each channel in each of the compared maps, float32 [C].

    Raises:
        WeightsError: They are missing or damaged.
    """
    path = fetch(f"{name}-heads", offline=True)
    state = parse_state_dict(read_weights(path)[0], path=path, published=True)
    return [state[f"lin{at}.model.1.weight"].flatten() for at in range(len(state))]


class LpipsNetwork:
    """LPIPS on a device, in float32 whatever the precision of the run.

    Rounding to bfloat16 is about as large as the difference between nearly equal pictures: for a
    photograph moved by two pixels, it adds a fifth to a third.
    """

    def __init__(
        self,
        name: str,
        trunk: nn.Sequential,
        heads: Sequence[torch.Tensor],
        info: ExtractorInfo,
        request: ExtractorRequest,
    ) -> None:
        self.info, self.cut = info, CUTS[name]
        self.device = torch.device(request.device)
        place(trunk, self.device, "float32", one_size=False)
        self.trunk = trunk
        self.heads = [head.to(self.device) for head in heads]
        self.shift, self.scale = (torch.tensor(values)[:, None, None] for values in (SHIFT, SCALE))

    def __call__(self, batch: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Return `distance` [N, 1] if it is requested.

        Args:
            batch: float32 [N, 2, 3, H, W] on the 0..255 scale.
            layers: Names of the layers to return.

        Raises:
            InputError: The pictures are too small for the network.
        """
        height, width = batch.shape[-2:]
        if min(height, width) < self.cut.least:
            raise InputError(
                f"pictures of {width} x {height} pixels",
                f"at least {self.cut.least} x {self.cut.least} for {self.info.name}",
                "bring both sources to a larger size, as in folder:PATH,size=64",
            )
        if not layers:
            return {}
        scaled = (batch.flatten(0, 1) / 127.5 - 1 - self.shift) / self.scale
        with inference(self.device):
            maps = to_device(scaled, self.device, "float32")
            distance = torch.zeros(len(batch), dtype=torch.float32, device=self.device)
            heads = iter(self.heads)
            for at, layer in enumerate(self.trunk):
                maps = layer(maps)
                if at in self.cut.taps:
                    unit = maps / (maps.square().sum(dim=1, keepdim=True).sqrt() + 1e-10)
                    one, other = unit.unflatten(0, (-1, 2)).unbind(dim=1)
                    weighted = (one - other).square() * next(heads)[:, None, None]
                    distance += weighted.sum(dim=1).mean(dim=(1, 2))
            return {"distance": distance[:, None]}
