"""A network that learns features for comparing pictures, without labels.

Gidaris, Singh and Komodakis, "Unsupervised Representation Learning by Predicting Image Rotations",
ICLR 2018: the network sees pictures turned by 0 to 3 quarter turns, and predicts the number of
turns. To do so it must learn what the pictures show.
"""

import torch
import torch.nn.functional as F
from torch import nn

TURNS = 4


class Perceiver(nn.Module):
    """Three convolutions, two of stride 2, and a linear layer on the mean of the last maps."""

    def __init__(self, *, channels: int, width: int) -> None:
        """Build the layers; the first has `width` maps, the next two have 2 and 4 times as many."""
        super().__init__()
        self.maps = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1),
            nn.LeakyReLU(0.2),
        )
        self.head = nn.Linear(4 * width, TURNS)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Return float32 [B, C, H', W'], a vector of unit length at each place."""
        return F.normalize(self.maps(x), dim=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits of the quarter turns, float32 [B, 4]."""
        logits: torch.Tensor = self.head(self.maps(x).mean(dim=(2, 3)))
        return logits


def turns_loss(perceiver: nn.Module, pictures: torch.Tensor) -> torch.Tensor:
    """Return the cross-entropy of predicting the quarter turns of pictures [B, C, H, H]."""
    turned = torch.cat([pictures.rot90(turns, dims=(2, 3)) for turns in range(TURNS)])
    turns = torch.arange(TURNS, device=pictures.device).repeat_interleave(len(pictures))
    return F.cross_entropy(perceiver(turned), turns)
