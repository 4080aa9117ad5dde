"""PatchGAN: a discriminator that judges each patch of a picture instead of the whole picture.

Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017, section
3.2.2. Every logit depends on a square of pixels: 70 x 70 after three halvings, 16 x 16 after one.
"""

import torch
from torch import nn


class PatchDiscriminator(nn.Module):
    """Convolutions from pictures to a map of logits."""

    def __init__(self, *, channels: int, width: int, num_halvings: int) -> None:
        """Build the layers.

        Args:
            channels: Total number of channels of the pictures that are judged together.
            width: Channels of the first map; they double with each layer, up to 8 times.
            num_halvings: How many layers have stride 2.
        """
        super().__init__()
        layers: list[nn.Module] = []
        before = channels
        for number in range(num_halvings + 1):
            after = width * min(2**number, 8)
            stride = 2 if number < num_halvings else 1
            layers.append(nn.Conv2d(before, after, 4, stride, padding=1))
            layers += [nn.InstanceNorm2d(after)] if number else []
            layers.append(nn.LeakyReLU(0.2))
            before = after
        self.layers = nn.Sequential(*layers, nn.Conv2d(before, 1, 4, padding=1))

    def forward(self, *pictures: torch.Tensor) -> torch.Tensor:
        """Return logits float32 [B, 1, H', W'] for pictures [B, C, H, W] that belong together."""
        logits: torch.Tensor = self.layers(torch.cat(pictures, dim=1))
        return logits
