"""The game of a generator without a discriminator: it minimises a fixed distance to the data."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms

Distance = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Function of real and generated samples, float [B, d] each, that returns a scalar."""


class Matching(Game):
    """One player, G: it minimises a distance between a batch of samples and a batch of data.

    Attributes:
        generator: Maps latents [B, latent_size] to samples; has `latent_size`.
        distance: The distance that is minimised.
    """

    players: Mapping[str, tuple[str, ...]] = {"G": ("generator",)}

    def __init__(self, generator: nn.Module, distance: Distance) -> None:
        """Take the network and the distance."""
        super().__init__()
        self.generator, self.distance = generator, distance

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the distance between two batches of the same size."""
        real = batch["real"]
        latent_size: Any = self.generator.latent_size
        z = draw.latents("z", batch.size, latent_size, prior=self.prior, like=real)
        return {"distance": self.distance(real.flatten(1), self.generator(z).flatten(1))}
