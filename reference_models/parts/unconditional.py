"""The game of a generator of samples against a discriminator of samples."""

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

    Nothing is detached: a solver asks for the gradients of the parameters it moves, and those that
    look through a player's move need the others' graph.

    Attributes:
        generator: Latents [B, latent_size] to samples; has `latent_size`.
        discriminator: Samples to logits [B].
        objective: The losses of both.
        augment: Changes what D sees.
        stabiliser: Adds noise to it, and penalties to D's terms.
        options: The numbers of the recipe's game, by name; a paper's own game reads its own here.
        replay: Earlier samples that D sees again; None if it sees only new ones.
        mixed_batches: Whether real and generated samples go through D together, so that BatchNorm
            takes its statistics of both.
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
        """Take networks, objective, what D sees, what keeps it smooth, and the game's numbers.

        Raises:
            GanevalError: Penalties for a D with BatchNorm, where the slope is not that of a single
                sample.
        """
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.objective, self.augment, self.stabiliser = objective, augment, stabiliser
        self.options = options or {}
        self.replay, self.mixed_batches = replay, mixed_batches
        if stabiliser.penalises and has_batch_norm(discriminator):
            raise ganeval.GanevalError(
                "a penalty of the slope of D, which has BatchNorm",
                "a slope that is each sample's own",
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
        """G sees real samples if its objective does."""
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

        They go through D apart, so that BatchNorm never mixes them, unless the game says so.
        """
        if not self.mixed_batches:
            return self.discriminator(real), self.discriminator(fake)
        logits: torch.Tensor = self.discriminator(torch.cat([real, fake]))
        return logits[: len(real)], logits[len(real) :]

    def after_step(self, player: str, batch: Batch, draw: Draw) -> None:
        """Let the augmentation follow D's certainty, and put what D has seen into the pool."""
        if player == "D":
            self.augment.adapt(draw.size)
            if self.replay is not None:
                with torch.no_grad():
                    self.replay.keep(self.sample(batch.size, draw), draw, "replay")
