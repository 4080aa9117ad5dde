"""WGAN: the critic estimates the earth mover's distance.

Arjovsky, Chintala and Bottou, "Wasserstein GAN", ICML 2017, equation 2 and algorithm 1:

    min_G max_{|f|_L <= K}  E_x f(x) - E_z f(G(z))

What is special: the critic's weights are clipped to [-0.01, 0.01] after every step, which keeps it
Lipschitz; it moves five times for each move of G; RMSProp(5e-5), because momentum hurts a moving
target; no BatchNorm in the critic here.
"""

import torch

from reference_models.engine.game import Game
from reference_models.engine.recipe import OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts.networks import (
    discriminator_for,
    generator_for,
    init_uniform,
)
from reference_models.parts.objectives import OBJECTIVES
from reference_models.parts.penalties import clip_weights
from reference_models.parts.unconditional import Unconditional

LATENT_SIZE = 64
WIDTH = 32
CLIP = 0.01
CRITIC_STEPS = 5

Generator = generator_for


class WassersteinGan(Unconditional):
    """The game with the clipped critic."""

    def after_step(self, player: str) -> None:
        """Clip the critic's weights."""
        if player == "D":
            clip_weights(self.discriminator, CLIP)


def build_game(shape: tuple[int, ...], randomness: torch.Generator) -> Game:
    """Return the game with its first weights, the critic's clipped."""
    game = WassersteinGan(
        Generator(shape, latent_size=LATENT_SIZE, width=WIDTH),
        discriminator_for(shape, WIDTH),
        OBJECTIVES["wasserstein"],
    )
    init_uniform(game, randomness)
    game.after_step("D")
    return game


RECIPE = Recipe(
    name="wgan",
    build=build_game,
    entry="reference_models.wgan:Generator",
    generator_options=lambda shape: {
        "shape": list(shape),
        "latent_size": LATENT_SIZE,
        "width": WIDTH,
    },
    solver=Alternating(CRITIC_STEPS),
    optimizers={player: OptimizerSpec(name="rmsprop", lr=5e-5) for player in ("D", "G")},
)
