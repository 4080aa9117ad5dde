"""The game of a generator of samples against a discriminator of samples."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.parts.augment import Augment
from reference_models.parts.objectives import Objective


class Unconditional(Game):
    """Two players: D tells real from generated samples, G maps latents to samples.

    Nothing is detached: a solver asks for the gradients of the parameters it moves, and those that
    look through a player's move need the others' graph.

    Attributes:
        generator: Latents [B, latent_size] to samples; has `latent_size`.
        discriminator: Samples to logits [B].
        objective: The losses of both.
        augment: Changes what D sees.
    """

    players: Mapping[str, tuple[str, ...]] = {"D": ("discriminator",), "G": ("generator",)}

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        objective: Objective,
        augment: Augment,
    ) -> None:
        """Take the two networks, their objective and what changes the pictures that D sees."""
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.objective, self.augment = objective, augment

    def sample(self, num: int, draw: Draw) -> torch.Tensor:
        """Return `num` generated samples."""
        latent_size: Any = self.generator.latent_size
        like = next(self.generator.parameters())
        z = draw.latents("z", num, latent_size, prior=self.prior, like=like)
        samples: torch.Tensor = self.generator(z)
        return samples

    def reads(self, player: str) -> bool:
        """G sees real samples where its objective does."""
        return player == "D" or self.objective.generator_sees_real

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the objective's term of a player."""
        fake = self.augment(self.sample(batch.size, draw), draw, "fake")
        if player == "G" and not self.objective.generator_sees_real:
            return {"adversarial": self.objective.generator(None, self.discriminator(fake))}
        real = self.augment(batch["real"], draw, "real")
        if player == "D":
            return self.discriminator_terms(real, fake, draw)
        logits = self.discriminator(real), self.discriminator(fake)
        return {"adversarial": self.objective.generator(*logits)}

    def discriminator_terms(self, real: torch.Tensor, fake: torch.Tensor, draw: Draw) -> Terms:
        """Return the terms of D for real and generated samples.

        They go through D apart, so that BatchNorm never mixes them.
        """
        logits = self.discriminator(real), self.discriminator(fake)
        self.augment.watch(logits[0], draw)
        return {"adversarial": self.objective.discriminator(*logits)}

    def after_step(self, player: str, batch: Batch, draw: Draw) -> None:
        """Let the augmentation follow how sure D is."""
        if player == "D":
            self.augment.adapt(draw.size)
