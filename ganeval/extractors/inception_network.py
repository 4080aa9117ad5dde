"""The Inception-v3 graph of 2015 that FID, KID and the Inception Score are defined on.

Topology: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision" (2016),
without the auxiliary classifier and with 1008 outputs. The 2015 graph departs from the paper in
two ways, which are kept because the scores in the literature contain them: means over a
neighbourhood leave out the padding, and the last block takes the maximum, not the mean.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from ganeval.extractors.base import ExtractorInfo, ExtractorRequest
from ganeval.extractors.inference import (
    first_maps,
    fold_batch_norms,
    place,
    to_device,
)
from ganeval.extractors.linear import steady_linear
from ganeval.machine.devices import inference

Pool = Callable[[torch.Tensor], torch.Tensor]

MEAN: Pool = partial(F.avg_pool2d, kernel_size=3, stride=1, padding=1, count_include_pad=False)
MAXIMUM: Pool = partial(F.max_pool2d, kernel_size=3, stride=1, padding=1)
HALVE: Pool = partial(F.max_pool2d, kernel_size=3, stride=2)


class Conv(NamedTuple):
    """One convolution of a branch: its number of output channels, and its kernel."""

    channels: int
    rows: int
    columns: int


Stage = Conv | tuple[Conv, Conv]
"""A convolution, or two side by side whose outputs are concatenated."""

Branches = Mapping[str, Sequence[Stage]]


class ConvNorm(nn.Module):
    """Convolution, BatchNorm, ReLU."""

    def __init__(
        self,
        channels_in: int,
        conv: Conv,
        *,
        stride: int = 1,
        padding: tuple[int, int] = (0, 0),
    ) -> None:
        super().__init__()
        kernel = (conv.rows, conv.columns)
        self.conv = nn.Conv2d(
            channels_in, conv.channels, kernel, stride=stride, padding=padding, bias=False
        )
        self.bn = nn.BatchNorm2d(conv.channels, eps=1e-3)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return non-negative maps."""
        output: torch.Tensor = self.relu(self.bn(self.conv(maps)))
        return output


class Mixed(nn.Module):
    """Branches over one input, concatenated; `branch_pool` pools first.

    The convolutions of branch B are called B if there is one, B_1, B_2, ... if they follow each
    other, and B_2a and B_2b if two are side by side. The weight file uses these names.
    """

    def __init__(self, channels_in: int, branches: Branches, pool: Pool) -> None:
        super().__init__()
        self.pool = pool
        self.channels = 0
        self.chains: dict[str, list[tuple[str, ...]]] = {}
        for branch, stages in branches.items():
            self.chains[branch] = []
            channels = channels_in
            for position, stage in enumerate(stages, start=1):
                name = branch if len(stages) == 1 else f"{branch}_{position}"
                convs = {name: stage} if isinstance(stage, Conv) else _side_by_side(name, stage)
                halve = pool is HALVE and position == len(stages)
                for key, conv in convs.items():
                    self.add_module(key, _mixed_conv(channels, conv, halve=halve))
                self.chains[branch].append(tuple(convs))
                channels = sum(conv.channels for conv in convs.values())
            self.channels += channels

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return the concatenated maps of the branches, in the order of the table."""
        outputs = []
        for branch, chain in self.chains.items():
            output = self.pool(maps) if branch == "branch_pool" else maps
            for names in chain:
                maps_beside = [self.get_submodule(name)(output) for name in names]
                output = torch.cat(maps_beside, dim=1) if len(names) > 1 else maps_beside[0]
            outputs.append(output)
        return torch.cat(outputs, dim=1)


def _side_by_side(name: str, pair: tuple[Conv, Conv]) -> dict[str, Conv]:
    """Name two convolutions that read the same input."""
    return {f"{name}a": pair[0], f"{name}b": pair[1]}


def _mixed_conv(channels_in: int, conv: Conv, *, halve: bool) -> ConvNorm:
    """Return a convolution that keeps the size of the maps, or halves it without padding."""
    if halve:
        return ConvNorm(channels_in, conv, stride=2)
    return ConvNorm(channels_in, conv, padding=(conv.rows // 2, conv.columns // 2))


def _block_a(pool: int) -> Branches:
    """Return the branches of the blocks at 35 x 35."""
    return {
        "branch1x1": [Conv(64, 1, 1)],
        "branch5x5": [Conv(48, 1, 1), Conv(64, 5, 5)],
        "branch3x3dbl": [Conv(64, 1, 1), Conv(96, 3, 3), Conv(96, 3, 3)],
        "branch_pool": [Conv(pool, 1, 1)],
    }


def _block_c(inner: int) -> Branches:
    """Return the branches of the blocks at 17 x 17, whose 7 x 7 kernels are factorised."""
    return {
        "branch1x1": [Conv(192, 1, 1)],
        "branch7x7": [Conv(inner, 1, 1), Conv(inner, 1, 7), Conv(192, 7, 1)],
        "branch7x7dbl": [
            Conv(inner, 1, 1),
            Conv(inner, 7, 1),
            Conv(inner, 1, 7),
            Conv(inner, 7, 1),
            Conv(192, 1, 7),
        ],
        "branch_pool": [Conv(192, 1, 1)],
    }


BLOCK_B: Branches = {
    "branch3x3": [Conv(384, 3, 3)],
    "branch3x3dbl": [Conv(64, 1, 1), Conv(96, 3, 3), Conv(96, 3, 3)],
    "branch_pool": [],
}
BLOCK_D: Branches = {
    "branch3x3": [Conv(192, 1, 1), Conv(320, 3, 3)],
    "branch7x7x3": [Conv(192, 1, 1), Conv(192, 1, 7), Conv(192, 7, 1), Conv(192, 3, 3)],
    "branch_pool": [],
}
BLOCK_E: Branches = {
    "branch1x1": [Conv(320, 1, 1)],
    "branch3x3": [Conv(384, 1, 1), (Conv(384, 1, 3), Conv(384, 3, 1))],
    "branch3x3dbl": [Conv(448, 1, 1), Conv(384, 3, 3), (Conv(384, 1, 3), Conv(384, 3, 1))],
    "branch_pool": [Conv(192, 1, 1)],
}
BLOCKS: Mapping[str, tuple[Branches, Pool]] = {
    "Mixed_5b": (_block_a(32), MEAN),
    "Mixed_5c": (_block_a(64), MEAN),
    "Mixed_5d": (_block_a(64), MEAN),
    "Mixed_6a": (BLOCK_B, HALVE),
    "Mixed_6b": (_block_c(128), MEAN),
    "Mixed_6c": (_block_c(160), MEAN),
    "Mixed_6d": (_block_c(160), MEAN),
    "Mixed_6e": (_block_c(192), MEAN),
    "Mixed_7a": (BLOCK_D, HALVE),
    "Mixed_7b": (BLOCK_E, MEAN),
    "Mixed_7c": (BLOCK_E, MAXIMUM),
}


def fid_inception() -> nn.Sequential:
    """Build the network without weights; it has the names of the published weight file.

    All modules except the last turn [N, 3, 299, 299] into maps [N, 2048, 8, 8]. The last is the
    classifier, which is applied to the mean over each map.
    """
    layers: dict[str, nn.Module] = {
        "Conv2d_1a_3x3": ConvNorm(3, Conv(32, 3, 3), stride=2),
        "Conv2d_2a_3x3": ConvNorm(32, Conv(32, 3, 3)),
        "Conv2d_2b_3x3": ConvNorm(32, Conv(64, 3, 3), padding=(1, 1)),
        "MaxPool_1": nn.MaxPool2d(3, stride=2),
        "Conv2d_3b_1x1": ConvNorm(64, Conv(80, 1, 1)),
        "Conv2d_4a_3x3": ConvNorm(80, Conv(192, 3, 3)),
        "MaxPool_2": nn.MaxPool2d(3, stride=2),
    }
    channels = 192
    for name, (branches, pool) in BLOCKS.items():
        block = Mixed(channels, branches, pool)
        layers[name] = block
        channels = block.channels
    layers["fc"] = nn.Linear(channels, 1008)
    return nn.Sequential(OrderedDict(layers))


class InceptionNetwork:
    """The graph on a device."""

    def __init__(
        self, network: nn.Sequential, info: ExtractorInfo, request: ExtractorRequest
    ) -> None:
        self.info = info
        self.device, self.precision = torch.device(request.device), request.precision
        fold_batch_norms(network)
        place(network, self.device, self.precision)
        num_inner = list(dict(network.named_children())).index("Mixed_6d") + 1
        self.inner, self.outer = network[:num_inner], network[num_inner:-1]
        classifier = network[-1]
        assert isinstance(classifier, nn.Linear)
        self.classifier = classifier

    def __call__(self, batch: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Return the requested layers.

        * `pool` [N, 2048]: the features of FID.
        * `logits` [N, 1008]: without the classifier's bias. The literature computes the Inception
          Score from these (Salimans et al. 2016, in the code published with the paper).
        * `logits_biased` [N, 1008]: with the bias.
        * `spatial` [N, 17 * 17 * 7]: the features of ADM's sFID, the tensor `mixed_6/conv:0` of the
          2015 graph. The names in torch-fidelity's conversion of the weights show that it is the
          output of the first branch of the block Mixed_6d after its ReLU, which the graph counts as
          part of the convolution. Its maps come first in the block's output.

        Args:
            batch: float32 [N, 3, 299, 299], resized and normalised.
            layers: Names of the layers to return.
        """
        with inference(self.device):
            outputs = {}
            maps = self.inner(to_device(batch, self.device, self.precision))
            if "spatial" in layers:
                outputs["spatial"] = first_maps(maps)
            if not {"pool", "logits", "logits_biased"}.isdisjoint(layers):
                outputs["pool"] = self.outer(maps).float().mean(dim=(2, 3))
            if not {"logits", "logits_biased"}.isdisjoint(layers):
                outputs["logits"] = steady_linear(outputs["pool"], self.classifier.weight)
                outputs["logits_biased"] = outputs["logits"] + self.classifier.bias
            return {layer: outputs[layer] for layer in layers}
