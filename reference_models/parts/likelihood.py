"""Shared by models with a likelihood: the game of one player, and densities of pictures.

The exported network of such a model has `forward` and one of two more methods. Both take data x
float32 [B, ...] in the network's own range and return float32 [B] in nats:

* `log_prob(x)` returns the exact logarithm of the density;
* `elbo(x, noise)` returns an unbiased estimate of a lower bound; `noise` is standard normal,
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
"""Distance of two neighbouring byte values of a picture, where 0 and 255 become -1 and 1."""
_INSIDE = 1 - 2**-12


def dequantise(x: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """Return pictures with uniform noise on each pixel, as wide as the step between two bytes.

    Uria, Murray and Larochelle, "RNADE", NeurIPS 2013: a density can be as high as it likes on
    byte values, with an ever narrower peak on each of them. On values with noise it cannot. Theis,
    van den Oord and Bethge, "A note on the evaluation of generative models", ICLR 2016, section
    3.1: the mean of log p(dequantised x) + D log(2 / 255) is a lower bound on the logarithm of the
    probability of the bytes. Here these are the bytes to which ganeval rounds the samples.

    Args:
        x: float32 [B, C, H, W], bytes scaled to -1 to 1; or points [B, d], which stay unchanged.
        uniform: Noise of the same shape, uniform on [0, 1).
    """
    if x.ndim == 2:
        return x
    # In float32, noise close to 1 would be rounded to the end of the range.
    return x + LEVEL_WIDTH / 2 * (2 * uniform - 1).clamp(-_INSIDE, _INSIDE)


def dequantised(batch: Batch, draw: Draw) -> torch.Tensor:
    """Return the real samples of a batch; pictures get fresh noise."""
    real = batch["real"]
    return dequantise(real, draw.uniform("dequantise", *real.shape, like=real))


def bits_per_dimension(log_prob: torch.Tensor, num_dimensions: int) -> torch.Tensor:
    """Return the bits that a model needs for each byte of pictures; a uniform model needs 8.

    Args:
        log_prob: Log-probability of dequantised pictures, in nats.
        num_dimensions: Number of values in a picture, C times H times W.
    """
    nats = -log_prob / num_dimensions - math.log(LEVEL_WIDTH)
    return nats / math.log(2)


class MaximumLikelihood(Game):
    """The game of one player, who minimises -E log p(x).

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
    """A network that computes the probability of clips."""

    def log_prob(self, x: torch.Tensor, *given: torch.Tensor) -> torch.Tensor:
        """Return the logarithm of the probability of clips, in nats, float32 [B]."""

    def given(self, batch: Batch) -> tuple[torch.Tensor, ...]:
        """Return the tensors of a batch that it takes beside the clips."""


def bits_of_samples(network: NetworkOfClips, batch: Batch) -> torch.Tensor:
    """Return the mean bits per sample of each clip, float32 [B]."""
    x = batch["real"]
    return -network.log_prob(x, *network.given(batch)) / (x[0].numel() * math.log(2))


class BitsOfSamples(Game):
    """The game of one player, who minimises the bits per sample of a clip.

    Attributes:
        generator: A `NetworkOfClips`.
    """

    players: Mapping[str, tuple[str, ...]] = {"G": ("generator",)}

    def __init__(self, generator: nn.Module) -> None:
        """Take the network."""
        super().__init__()
        self.generator = generator

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the mean of these bits over the batch."""
        return {"bits": bits_of_samples(cast(NetworkOfClips, self.generator), batch).mean()}
