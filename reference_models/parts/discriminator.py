"""The base class of the bundled discriminators: features, and logits of features."""

import torch
from torch import nn


class Discriminator(nn.Module):
    """A network whose last layer turns its features into logits.

    Several papers use the features too: they match, compare or probe them.

    Attributes:
        num_features: Length of a feature vector.
    """

    num_features: int

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Return the penultimate layer's output for samples [B, ...], float32 [B, num_features]."""
        raise NotImplementedError

    def logits(self, features: torch.Tensor) -> torch.Tensor:
        """Return the logits of features, [B], or [B, num_outputs] if there are several."""
        raise NotImplementedError

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits of samples."""
        return self.logits(self.features(x))
