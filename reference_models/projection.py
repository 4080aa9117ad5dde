"""Projection GAN: D compares the features of a sample with a vector of its class.

Miyato and Koyama, "cGANs with Projection Discriminator", ICLR 2018, section "The architecture of
the cGAN with a projection discriminator". For a sample x of class y, with features phi(x) of D, a
linear layer psi and a learned vector v_y for each class:

    f(x, y) = v_y . phi(x) + psi(phi(x))

    D minimises   E max(0, 1 - f(x, y)) + E max(0, 1 + f(G(z, y), y))         as in `sngan.py`
    G minimises   -E f(G(z, y), y)

What is special: the class is not an input of D's layers. It is combined with the features that they
compute. f has the form of log p(x, y) - log q(x, y), where p and q are the densities of real and
generated pairs, if the classes are log-linear in phi. In G each class has its own scale and shift
after every BatchNorm of a block. Every weight of D has spectral norm one, also the matrix of the
v_y. Real samples come with their classes; the classes of generated ones are drawn uniformly.

`--preset cifar10` is mimicry's network. Published: FID 10.84 +- 0.03 with 50,000 real images of the
training split and 50,000 generated ones (mimicry's README).

Differs from the paper: one move of D for each of G and Adam(1e-3), where the paper has five and
2e-4; 64 latents and 32 channels, where it has 128 and 1,024 at most; bodies as in
`parts/residual.py`.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from reference_models.engine.data import Batch, Data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import Exported, OptimizerSpec, Recipe, image_options
from reference_models.engine.solvers import Alternating
from reference_models.parts.cifar10 import CIFAR10
from reference_models.parts.classes import check_classes
from reference_models.parts.objectives import Objective, objective_of
from reference_models.parts.residual import (
    ResidualDiscriminator,
    ResidualGenerator,
    init_residual,
)
from reference_models.sngan import normalise

Generator = ResidualGenerator


class ProjectionDiscriminator(nn.Module):
    """D, which judges images together with their classes."""

    def __init__(self, *, image_size: int, channels: int, width: int, num_classes: int) -> None:
        """Build the body, which holds phi and psi, and `classes`, which has a row v_y per class."""
        super().__init__()
        self.body = ResidualDiscriminator(image_size=image_size, channels=channels, width=width)
        self.classes = nn.Embedding(num_classes, self.body.num_features)

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return f(x, y) [B] for images [B, C, H, W] with labels int64 [B]."""
        features = self.body.features(x)
        logits = self.body.logits(features)
        vectors: torch.Tensor = self.classes(labels)
        return logits + (vectors * features).sum(dim=1)


class Projection(Game):
    """The game of images with their classes."""

    players: Mapping[str, tuple[str, ...]] = {"D": ("discriminator",), "G": ("generator",)}

    def __init__(
        self,
        generator: ResidualGenerator,
        discriminator: ProjectionDiscriminator,
        objective: Objective,
        num_classes: int,
    ) -> None:
        """Take the networks, the objective and the number of classes."""
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.objective, self.num_classes = objective, num_classes

    def reads(self, player: str) -> bool:
        """Return whether a player uses real samples; G does if its objective does."""
        return player == "D" or self.objective.generator_sees_real

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the objective's term of a player."""
        like = next(self.generator.parameters())
        size = self.generator.latent_size
        z = draw.latents("z", batch.size, size, prior=self.prior, like=like)
        labels = (draw.uniform("labels", batch.size, like=like) * self.num_classes).long()
        generated = self.generator(z, labels)
        real: Any = None
        if self.reads(player):
            real = self.discriminator(batch["real"], batch["labels"])
        fake = self.discriminator(generated, labels)
        if player == "G":
            return {"adversarial": self.objective.generator(real, fake)}
        return {"adversarial": self.objective.discriminator(real, fake)}


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Projection:
    """Return the game with its first weights and converged singular vectors.

    Raises:
        GanevalError: The data and the networks have different numbers of classes.
    """
    options = recipe.generator_options(data.shape)
    num_classes = options["num_classes"]
    check_classes(data, num_classes, setting="generator.num_classes")
    game = Projection(
        Generator(**options),
        ProjectionDiscriminator(
            **image_options(data.shape), num_classes=num_classes, **recipe.networks["discriminator"]
        ),
        objective_of(recipe),
        num_classes,
    )
    init_residual(game, randomness)
    nn.init.xavier_uniform_(game.discriminator.classes.weight, generator=randomness)
    normalise(game.discriminator, refine=False)
    return game


RECIPE = Recipe(
    name="projection",
    make_game=make_game,
    exported={"generator": Exported("reference_models.projection:Generator")},
    of_shape=image_options,
    reads=("real", "labels"),
    kinds=("pictures",),
    networks={
        "generator": {"latent_size": 64, "num_classes": 10, "width": 32},
        "discriminator": {"width": 32},
    },
    game={"objective": "hinge"},
    solver=Alternating(),
    optimizers={player: OptimizerSpec(lr=1e-3, betas=(0.0, 0.9)) for player in ("D", "G")},
    presets={"cifar10": CIFAR10},
)
