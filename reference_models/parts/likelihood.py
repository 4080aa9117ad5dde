"""What models with a likelihood share: one player that fits the data, and pictures as densities.

Such a model's exported network has, beside `forward`, one of two methods. Both take data x
float32 [B, ...] in the network's own range and return float32 [B] in nats:

* `log_prob(x)`: the exact logarithm of its density;
* `elbo(x, noise)`: an unbiased estimate of a lower bound, of `noise` standard normal
  float32 [B, latent_size].
"""

import math
from collections.abc import Mapping
from typing import Any, Protocol, cast

import torch
from torch import nn

from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms

LEVEL_WIDTH = 2 / 255
"""How far apart two neighbouring bytes of a picture are, where 0 and 255 are -1 and 1."""
_INSIDE = 1 - 2**-12


def dequantise(x: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """Return pictures whose pixels are spread evenly over the width of their byte.

    Uria, Murray and Larochelle, "RNADE", NeurIPS 2013: the density of bytes has no upper bound, as
    a peak on each of them may be ever narrower; that of spread ones has. Theis, van den Oord and
    Bethge, "A note on the evaluation of generative models", ICLR 2016, section 3.1: the mean of
    log p(dequantised x) + D log(2 / 255) is a lower bound on the logarithm of the probability of
    the bytes, here of those that ganeval rounds the samples to.

    Args:
        x: float32 [B, C, H, W], bytes as -1 to 1; or points [B, d], which stay as they are.
        uniform: Noise of the same shape, uniform on [0, 1).
    """
    if x.ndim == 2:
        return x
    # Float32 would round the last of it to the end of the range.
    return x + LEVEL_WIDTH / 2 * (2 * uniform - 1).clamp(-_INSIDE, _INSIDE)


def dequantised(batch: Batch, draw: Draw) -> torch.Tensor:
    """Return the real samples of a batch, pictures with fresh noise."""
    real = batch["real"]
    return dequantise(real, draw.uniform("dequantise", *real.shape, like=real))


def bits_per_dimension(log_prob: torch.Tensor, num_dimensions: int) -> torch.Tensor:
    """Return the bits that a model takes for each byte of pictures: 8 for the uniform one.

    Args:
        log_prob: Log-probability of dequantised pictures, in nats.
        num_dimensions: C H W of a picture.
    """
    nats = -log_prob / num_dimensions - math.log(LEVEL_WIDTH)
    return nats / math.log(2)


class MaximumLikelihood(Game):
    """One player, that minimises - E log p(x).

    Attributes:
        generator: Has `log_prob`.
    """

    players: Mapping[str, tuple[str, ...]] = {"G": ("generator",)}

    def __init__(self, generator: nn.Module) -> None:
        """Take the network."""
        super().__init__()
        self.generator = generator

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the negative mean log-likelihood in nats."""
        log_prob: Any = self.generator.log_prob
        return {"likelihood": -log_prob(dequantised(batch, draw)).mean()}


class NetworkOfClips(Protocol):
    """A network that knows how likely clips are."""

    def log_prob(self, x: torch.Tensor, *given: torch.Tensor) -> torch.Tensor:
        """Return the logarithm of the probability of clips, in nats, float32 [B]."""

    def given(self, batch: Batch) -> tuple[torch.Tensor, ...]:
        """Return what of a batch it takes beside the clips."""


def bits_of_samples(network: NetworkOfClips, batch: Batch) -> torch.Tensor:
    """Return the bits that a sample of each clip takes in the mean, float32 [B]."""
    x = batch["real"]
    return -network.log_prob(x, *network.given(batch)) / (x[0].numel() * math.log(2))


class BitsOfSamples(Game):
    """One player, that minimises the bits that a sample of a clip takes.

    Attributes:
        generator: A `NetworkOfClips`.
    """

    players: Mapping[str, tuple[str, ...]] = {"G": ("generator",)}

    def __init__(self, generator: nn.Module) -> None:
        """Take the network."""
        super().__init__()
        self.generator = generator

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return these bits in the mean."""
        return {"bits": bits_of_samples(cast(NetworkOfClips, self.generator), batch).mean()}
