"""AC-GAN: G makes a sample of a given class, and D also names the class of a sample.

Odena, Olah and Shlens, "Conditional Image Synthesis with Auxiliary Classifier GANs", ICML 2017,
section "AC-GANs". D has two heads: one for the source S, real or fake, and one for the class C. For
real samples x of class c, and samples G(z, c) generated for a random class c:

    L_S = E log P(S = real | x) + E log P(S = fake | G(z, c))
    L_C = E log P(C = c | x) + E log P(C = c | G(z, c))

    D maximises   L_C + L_S            G maximises   L_C - L_S

What is special: the class is an input of G and an output of D. D never gets the class as an input.
So it has to recognise the class, and both players gain if it does. `game.weight` multiplies L_C; it
is 1 in the paper. As in `gan.py`, G uses the non-saturating form of its part of L_S. G leaves out
the part of L_C on real samples, which does not depend on G.

Published: Inception Score 8.25 +- 0.07 on CIFAR-10 (the paper's comparison to previous results).

Differs from the paper: networks of `dcgan.py` without BatchNorm in D, where the paper has deeper
ones with dropout in D; 64 latents and Adam(1e-3), where it has 100 beside the class and 1e-4 to
3e-4 (`--preset paper`); G gets the class as K one-hot inputs beside the latents.
"""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from reference_models.engine.data import Batch, Data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import Exported, OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts.classes import check_classes
from reference_models.parts.networks import discriminator_for, generator_for
from reference_models.parts.objectives import Objective, objective_of
from reference_models.parts.weights import init_uniform


class Generator(nn.Module):
    """Makes a sample from latents and a class."""

    def __init__(
        self, *, shape: tuple[int, ...], latent_size: int, num_classes: int, width: int
    ) -> None:
        """Build the network; it has an input for each class beside the latents."""
        super().__init__()
        self.latent_size, self.num_classes = latent_size, num_classes
        self.network = generator_for(
            tuple(shape), latent_size=latent_size + num_classes, width=width
        )

    def forward(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return samples for latents [B, latent_size] and classes int64 [B]."""
        classes = F.one_hot(labels, self.num_classes).to(z.dtype)
        samples: torch.Tensor = self.network(torch.cat([z, classes], dim=1))
        return samples


class AuxiliaryClassifierGan(Game):
    """The game of G against a D with two heads."""

    players: Mapping[str, tuple[str, ...]] = {"D": ("discriminator",), "G": ("generator",)}

    def __init__(
        self, generator: Generator, discriminator: nn.Module, objective: Objective, weight: float
    ) -> None:
        """Take the networks, the objective of L_S and the factor of L_C.

        Args:
            generator: As above.
            discriminator: Maps samples to [B, 1 + num_classes]: the logit of S, then the logits of
                C.
            objective: The losses for L_S.
            weight: Factor of L_C.
        """
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.objective, self.weight = objective, weight

    def reads(self, player: str) -> bool:
        """Return whether a player uses real samples; G does if its objective does."""
        return player == "D" or self.objective.generator_sees_real

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return a player's terms for source and class."""
        num, like = batch.size, next(self.generator.parameters())
        z = draw.latents("z", num, self.generator.latent_size, prior=self.prior, like=like)
        drawn = (draw.uniform("labels", num, like=like) * self.generator.num_classes).long()
        fake = self.discriminator(self.generator(z, drawn))
        of_fake = F.cross_entropy(fake[:, 1:], drawn)
        real: Any = self.discriminator(batch["real"]) if self.reads(player) else None
        source = None if real is None else real[:, 0]
        if player == "G":
            adversarial = self.objective.generator(source, fake[:, 0])
            return {"adversarial": adversarial, "classes": self.weight * of_fake}
        of_real = F.cross_entropy(real[:, 1:], batch["labels"])
        return {
            "adversarial": self.objective.discriminator(real[:, 0], fake[:, 0]),
            "classes": self.weight * (of_real + of_fake),
        }


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> AuxiliaryClassifierGan:
    """Return the game with its first weights.

    Raises:
        GanevalError: The data and the networks have different numbers of classes.
    """
    num_classes = recipe.networks["generator"]["num_classes"]
    check_classes(data, num_classes, setting="generator.num_classes")
    game = AuxiliaryClassifierGan(
        Generator(**recipe.generator_options(data.shape)),
        discriminator_for(
            data.shape, num_outputs=1 + num_classes, **recipe.networks["discriminator"]
        ),
        objective_of(recipe),
        recipe.game["weight"],
    )
    init_uniform(game, randomness)
    return game


RECIPE = Recipe(
    name="acgan",
    make_game=make_game,
    exported={"generator": Exported("reference_models.acgan:Generator")},
    reads=("real", "labels"),
    kinds=("pictures",),
    networks={
        "generator": {"latent_size": 64, "num_classes": 10, "width": 32},
        "discriminator": {"width": 32},
    },
    game={"objective": "non-saturating", "weight": 1.0},
    solver=Alternating(),
    optimizers={player: OptimizerSpec(lr=1e-3) for player in ("D", "G")},
    presets={
        "paper": {
            "generator.latent_size": 100,
            "batch_size": 100,
            "optimizers.D.lr": 2e-4,
            "optimizers.G.lr": 2e-4,
        }
    },
)
