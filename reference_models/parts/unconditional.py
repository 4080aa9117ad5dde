"""The game of a generator against a discriminator, without classes or conditions."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

import ganeval
from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.norms import has_batch_norm
from reference_models.engine.recipe import Options
from reference_models.parts.augment import Augment
from reference_models.parts.objectives import Objective
from reference_models.parts.pool import Pool
from reference_models.parts.stabilise import OFF, Stabiliser


class Unconditional(Game):
    """Two players: D tells real from generated samples, G maps latents to samples.

    Nothing is detached. A solver asks only for the gradients of the parameters that it moves, and a
    solver that differentiates through a player's move needs the whole graph.

    Attributes:
        generator: Maps latents [B, latent_size] to samples; has `latent_size`.
        discriminator: Maps samples to logits [B].
        objective: The losses of both players.
        augment: Augments the samples that D sees.
        stabiliser: Adds noise to these samples, and penalties to D's terms.
        options: The settings of the recipe's game, by name; subclasses read their own here.
        replay: Earlier samples that D sees again; None if D sees only new ones.
        mixed_batches: Whether real and generated samples go through D together, so that BatchNorm
            computes its statistics over both.
    """

    players: Mapping[str, tuple[str, ...]] = {"D": ("discriminator",), "G": ("generator",)}

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        objective: Objective,
        augment: Augment,
        stabiliser: Stabiliser = OFF,
        options: Options | None = None,
        *,
        replay: Pool | None = None,
        mixed_batches: bool = False,
    ) -> None:
        """Take the attributes.

        Raises:
            GanevalError: A penalty is on and D has BatchNorm, so that a sample's gradient depends
                on the whole batch.
        """
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.objective, self.augment, self.stabiliser = objective, augment, stabiliser
        self.options = options or {}
        self.replay, self.mixed_batches = replay, mixed_batches
        if stabiliser.penalises and has_batch_norm(discriminator):
            raise ganeval.GanevalError(
                "a penalty on the slope of D, which has BatchNorm",
                "a D without BatchNorm, so that each sample has its own slope",
                "--set discriminator.batch_norm=false",
            )

    def sample(self, num: int, draw: Draw) -> torch.Tensor:
        """Return `num` generated samples."""
        latent_size: Any = self.generator.latent_size
        like = next(self.generator.parameters())
        z = draw.latents("z", num, latent_size, prior=self.prior, like=like)
        samples: torch.Tensor = self.generator(z)
        return samples

    def seen(self, samples: torch.Tensor, draw: Draw, purpose: str) -> torch.Tensor:
        """Return samples as D sees them."""
        return self.stabiliser.noisy(self.augment(samples, draw, purpose), draw, purpose)

    def reads(self, player: str) -> bool:
        """Return whether a player uses real samples; G does if its objective does."""
        return player == "D" or self.objective.generator_sees_real

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the objective's term of a player."""
        samples = self.sample(batch.size, draw)
        if player == "D" and self.replay is not None:
            samples = self.replay.shown(samples, draw, "replay")
        fake = self.seen(samples, draw, "fake")
        if player == "G" and not self.objective.generator_sees_real:
            return {"adversarial": self.objective.generator(None, self.discriminator(fake))}
        real = self.seen(batch["real"], draw, "real")
        if player == "D":
            return self.discriminator_terms(real, fake, draw)
        logits = self.discriminator(real), self.discriminator(fake)
        return {"adversarial": self.objective.generator(*logits)}

    def discriminator_terms(self, real: torch.Tensor, fake: torch.Tensor, draw: Draw) -> Terms:
        """Return the terms of D for real and generated samples."""
        logits = self.logits_of_both(real, fake)
        self.augment.watch(logits[0], draw)
        adversarial = self.objective.discriminator(*logits)
        labels = self.objective.labels.terms(*logits, draw)
        penalties = self.stabiliser.penalties(self.discriminator, real, fake, draw)
        return {"adversarial": adversarial, **labels, **penalties}

    def logits_of_both(
        self, real: torch.Tensor, fake: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return D's logits of real and of generated samples.

        They go through D separately, so that BatchNorm does not mix them, unless `mixed_batches` is
        set.
        """
        if not self.mixed_batches:
            return self.discriminator(real), self.discriminator(fake)
        logits: torch.Tensor = self.discriminator(torch.cat([real, fake]))
        return logits[: len(real)], logits[len(real) :]

    def after_step(self, player: str, batch: Batch, draw: Draw) -> None:
        """Adapt the augmentation to D, and put the new samples into the pool."""
        if player == "D":
            self.augment.adapt(draw.size)
            if self.replay is not None:
                with torch.no_grad():
                    self.replay.keep(self.sample(batch.size, draw), draw, "replay")
