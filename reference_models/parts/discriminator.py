"""What the bundled discriminators have in common: features, and logits of features."""

import torch
from torch import nn


class Discriminator(nn.Module):
    """A network whose last layer makes logits of its features.

    Papers match, compare or probe what the layers before the last one say of a sample.

    Attributes:
        num_features: Length of a feature vector.
    """

    num_features: int

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Return the penultimate layer, float32 [B, num_features], of samples [B, ...]."""
        raise NotImplementedError

    def logits(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits [B], or [B, num_outputs] if there are several, of features."""
        raise NotImplementedError

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits of samples."""
        return self.logits(self.features(x))
