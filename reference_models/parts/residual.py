"""Residual networks of images: Gulrajani et al. 2017, appendix F, Miyato et al. 2018, appendix B.4.

The layers are arranged as in mimicry (Lee and Town, "Mimicry: Towards the Reproducibility of GAN
Research", 2020), so mimicry's published scores on CIFAR-10 and other data apply to these networks:

    generator block       x + -> norm, ReLU, x2, conv 3x3, norm, ReLU, conv 3x3 -> +
                             -> x2, conv 1x1 ------------------------------------>
    first block of D      x + -> conv 3x3, ReLU, conv 3x3, mean 2x2 -> +
                             -> mean 2x2, conv 1x1 ------------------>
    other blocks of D     x -> ReLU + -> conv 3x3, ReLU, conv 3x3[, mean 2x2] -> +
                                    -> [conv 1x1, mean 2x2] ------------------->

Up to 32 x 32 pixels all blocks have the same width. From 64 x 64 on the width doubles with each
block towards the 4 x 4 map, up to 16 times the width at the image. `docs/measured/mimicry.md` shows
that mimicry's networks and these compute the same numbers.

Differs from the papers, as mimicry does: upsampling is bilinear, where the papers repeat pixels;
and the shortcut in D takes the input after ReLU, where the papers take the input itself.
"""

import itertools
import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from reference_models.engine.data import unknown
from reference_models.parts.discriminator import Discriminator
from reference_models.parts.sizes import doublings
from reference_models.parts.weights import init_uniform

BODIES = ("plain", "residual")
Pooling = Literal["sum", "mean"]


def is_residual(body: str) -> bool:
    """Return whether the setting `body` asks for a residual body.

    Raises:
        GanevalError: There is no such body.
    """
    if body not in BODIES:
        raise unknown("body", body, BODIES)
    return body == "residual"


class ConditionalBatchNorm(nn.Module):
    """BatchNorm with its own scale and shift for each class.

    Dumoulin et al., "A Learned Representation for Artistic Style", ICLR 2017, equation 5.
    """

    def __init__(self, num_features: int, num_classes: int) -> None:
        """Build the layer; `init_residual` draws the scales."""
        super().__init__()
        self.norm = nn.BatchNorm2d(num_features, affine=False)
        self.scale = nn.Embedding(num_classes, num_features)
        self.shift = nn.Embedding(num_classes, num_features)

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return maps [B, C, H, W] normalised over the batch, then scaled and shifted by class."""
        scale, shift = (table(labels)[:, :, None, None] for table in (self.scale, self.shift))
        return torch.addcmul(shift, scale, self.norm(x))


class GeneratorBlock(nn.Module):
    """Doubles height and width; takes labels too if its BatchNorms are conditional."""

    def __init__(self, before: int, after: int, num_classes: int | None) -> None:
        """Build the block from `before` to `after` channels."""
        super().__init__()
        norms: list[nn.Module] = [
            nn.BatchNorm2d(width)
            if num_classes is None
            else ConditionalBatchNorm(width, num_classes)
            for width in (before, after)
        ]
        self.norm1, self.norm2 = norms
        self.conv1 = nn.Conv2d(before, after, 3, padding=1)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1)
        self.shortcut = nn.Conv2d(before, after, 1)

    def forward(self, x: torch.Tensor, *labels: torch.Tensor) -> torch.Tensor:
        """Return maps [B, after, 2 H, 2 W]."""
        h = self.conv1(_doubled(F.relu(self.norm1(x, *labels))))
        h = self.conv2(F.relu(self.norm2(h, *labels)))
        # A 1 x 1 convolution commutes with interpolation, and has a quarter of the work before it.
        out: torch.Tensor = h + _doubled(self.shortcut(x))
        return out


class FirstBlock(nn.Module):
    """Takes an image and halves height and width."""

    def __init__(self, before: int, after: int) -> None:
        """Build the block from `before` to `after` channels."""
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, padding=1)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1)
        self.shortcut = nn.Conv2d(before, after, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return maps [B, after, H / 2, W / 2]."""
        h = F.avg_pool2d(self.conv2(F.relu(self.conv1(x))), 2)
        out: torch.Tensor = h + self.shortcut(F.avg_pool2d(x, 2))
        return out


class DiscriminatorBlock(nn.Module):
    """Halves height and width, or keeps them; its input is a sum without ReLU, so ReLU is first."""

    def __init__(self, before: int, after: int, *, halve: bool) -> None:
        """Build the block from `before` to `after` channels."""
        super().__init__()
        self.conv1 = nn.Conv2d(before, before, 3, padding=1)
        self.conv2 = nn.Conv2d(before, after, 3, padding=1)
        self.shortcut = nn.Conv2d(before, after, 1) if halve or before != after else None
        self.halve = halve

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return maps [B, after, H, W], or of half the height and width."""
        x = F.relu(x)
        h = self.conv2(F.relu(self.conv1(x)))
        if self.halve:
            h, x = (
                F.avg_pool2d(h, 2),
                F.avg_pool2d(x, 2),
            )  # before the shortcut, as in GeneratorBlock
        out: torch.Tensor = h + (x if self.shortcut is None else self.shortcut(x))
        return out


class ResidualGenerator(nn.Module):
    """Maps latents, and labels if there are classes, to images."""

    def __init__(
        self,
        *,
        latent_size: int,
        image_size: int,
        channels: int,
        width: int,
        num_classes: int | None = None,
        unit: bool = False,
    ) -> None:
        """Build a block for every doubling from 4 x 4.

        Args:
            latent_size: Length of a latent vector.
            image_size: Height and width.
            channels: Number of channels of an image.
            width: Channels of the last block.
            num_classes: Number of classes; None if the network takes no labels.
            unit: Whether the last layer is a sigmoid stretched to [-1, 1] instead of a tanh.
        """
        super().__init__()
        widths = [width * factor for factor in _factors(image_size)[::-1]]
        self.latent_size, self.unit = latent_size, unit
        self.first = nn.Linear(latent_size, 16 * widths[0])
        self.blocks = nn.ModuleList(
            GeneratorBlock(before, after, num_classes)
            for before, after in itertools.pairwise(widths)
        )
        self.norm = nn.BatchNorm2d(width)
        self.last = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, z: torch.Tensor, *labels: torch.Tensor) -> torch.Tensor:
        """Return images float32 [B, C, H, W] in [-1, 1] for latents [B, latent_size].

        Args:
            z: The latents.
            labels: One tensor, int64 [B], if there are classes.
        """
        h = self.first(z).reshape(len(z), -1, 4, 4)
        for block in self.blocks:
            h = block(h, *labels)
        h = self.last(F.relu(self.norm(h)))
        # tanh(h / 2) = 2 sigmoid(h) - 1
        images: torch.Tensor = torch.tanh(h / 2 if self.unit else h)
        return images


class ResidualDiscriminator(Discriminator):
    """Maps images to logits."""

    def __init__(
        self,
        *,
        image_size: int,
        channels: int,
        width: int,
        num_outputs: int = 1,
        pooling: Pooling = "sum",
        unit: bool = False,
    ) -> None:
        """Build the blocks.

        Args:
            image_size: Height and width.
            channels: Number of channels of an image.
            width: Channels of the first block.
            num_outputs: Number of logits per image.
            pooling: How the last maps become features: their sum or their mean over places.
            unit: Whether images are brought from [-1, 1] to [0, 1] first.
        """
        super().__init__()
        self.pooling, self.unit = pooling, unit
        factors = _factors(image_size) if image_size > 32 else [1] * 4
        widths = [width * factor for factor in factors]
        self.blocks = nn.Sequential(
            FirstBlock(channels, width),
            *(
                DiscriminatorBlock(before, after, halve=number == 0 or before != after)
                for number, (before, after) in enumerate(itertools.pairwise(widths))
            ),
        )
        self.num_features = widths[-1]
        self.last = nn.Linear(self.num_features, num_outputs)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Return the pooled maps of images [B, C, H, W]."""
        h = F.relu(self.blocks((x + 1) / 2 if self.unit else x))
        return h.sum(dim=(2, 3)) if self.pooling == "sum" else h.mean(dim=(2, 3))

    def logits(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits of features."""
        logits: torch.Tensor = self.last(features)
        return logits.squeeze(1)


@torch.no_grad()
def init_residual(
    network: nn.Module, generator: torch.Generator, *, only_main: bool = False
) -> None:
    """Draw weights as mimicry does.

    Weights are uniform with the bound of Glorot and Bengio. For the two convolutions of a block the
    bound is multiplied by sqrt(2); for shortcuts, and for the first and last layers, it is not.
    Biases are drawn as torch does. Class scales are drawn from N(1, 0.02), and class shifts are 0.

    Args:
        network: A game or network with residual bodies.
        generator: Random generator.
        only_main: Whether shortcuts and the generator's last layer are drawn as torch does instead,
            as in mimicry's WGAN-GP.
    """
    init_uniform(network, generator)
    for module in network.modules():
        if isinstance(module, GeneratorBlock | FirstBlock | DiscriminatorBlock):
            for conv in (module.conv1, module.conv2):
                nn.init.xavier_uniform_(conv.weight, math.sqrt(2), generator=generator)
            if module.shortcut is not None and not only_main:
                nn.init.xavier_uniform_(module.shortcut.weight, generator=generator)
        elif isinstance(module, ConditionalBatchNorm):
            module.scale.weight.normal_(1.0, 0.02, generator=generator)
            module.shift.weight.zero_()
        elif isinstance(module, ResidualGenerator):
            nn.init.xavier_uniform_(module.first.weight, generator=generator)
            if not only_main:
                nn.init.xavier_uniform_(module.last.weight, generator=generator)
        elif isinstance(module, ResidualDiscriminator):
            nn.init.xavier_uniform_(module.last.weight, generator=generator)


def _factors(image_size: int) -> list[int]:
    """Return the width at each size, from the image to the 4 x 4 map, over that of the image."""
    num = doublings(image_size)
    return [min(2**stage, 16) if image_size > 32 else 1 for stage in range(num + 1)]


def _doubled(x: torch.Tensor) -> torch.Tensor:
    """Return maps with twice the height and width, interpolated bilinearly."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
