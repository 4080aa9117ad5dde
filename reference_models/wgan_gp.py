"""WGAN-GP: the critic is kept Lipschitz by a penalty on its gradient.

Gulrajani et al., "Improved Training of Wasserstein GANs", NeurIPS 2017, equation 3: the critic
minimises

    E_z f(G(z)) - E_x f(x) + lambda E_xhat (|grad f(xhat)|_2 - 1)^2

with xhat on the lines between real and generated samples, a weight for each pair. What is special:
lambda = 10 on images (0.1 on the paper's toys), the norm is each sample's own, so no BatchNorm in
the critic; Adam(1e-4, 0.5, 0.9) and five critic moves for each of G.
"""

from typing import Any

import torch
from torch import nn

from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts.networks import (
    discriminator_for,
    generator_for,
    init_uniform,
)
from reference_models.parts.objectives import OBJECTIVES
from reference_models.parts.penalties import gradient_penalty
from reference_models.parts.unconditional import Unconditional

LATENT_SIZE = 64
WIDTH = 32
CRITIC_STEPS = 5

Generator = generator_for


class WassersteinGanGp(Unconditional):
    """The game with the penalised critic."""

    def __init__(self, generator: nn.Module, discriminator: nn.Module, weight: float) -> None:
        """Take the networks and the penalty's weight, lambda."""
        super().__init__(generator, discriminator, OBJECTIVES["wasserstein"])
        self.weight = weight

    def loss(self, player: str, batch: Any, draw: Draw) -> Terms:
        """Return the critic's two terms, or G's one."""
        terms = super().loss(player, batch, draw)
        if player == "D":
            fake = self.sample(len(batch.real), draw).detach()
            mix = draw.uniform("mix", len(fake), like=fake)
            penalty = gradient_penalty(self.discriminator, batch.real, fake, mix)
            terms["gradient_penalty"] = self.weight * penalty
        return terms


def build_game(
    shape: tuple[int, ...], randomness: torch.Generator, *, weight: float | None = None
) -> Game:
    """Return the game with its first weights; without a weight, lambda is the paper's."""
    if weight is None:
        weight = 10.0 if len(shape) == 3 else 0.1
    game = WassersteinGanGp(
        Generator(shape, latent_size=LATENT_SIZE, width=WIDTH),
        discriminator_for(shape, WIDTH),
        weight,
    )
    init_uniform(game, randomness)
    return game


RECIPE = Recipe(
    name="wgan-gp",
    build=build_game,
    entry="reference_models.wgan_gp:Generator",
    generator_options=lambda shape: {
        "shape": list(shape),
        "latent_size": LATENT_SIZE,
        "width": WIDTH,
    },
    solver=Alternating(CRITIC_STEPS),
    optimizers={player: OptimizerSpec(lr=1e-4, betas=(0.5, 0.9)) for player in ("D", "G")},
)
