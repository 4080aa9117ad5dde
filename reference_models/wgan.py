"""WGAN: the critic estimates the earth mover's distance.

Arjovsky, Chintala and Bottou, "Wasserstein GAN", ICML 2017, equation 2 and algorithm 1. The critic
f replaces D. Its output may be any number, but it must not be steep:

    min_G max_{|f|_L <= K}  E f(x) - E f(G(z))        |f|_L: the Lipschitz constant of f

    D minimises   E f(G(z)) - E f(x)          G minimises   -E f(G(z))

What is special: with the best f, the value is K times the earth mover's distance between data and
samples. This distance is smooth even if the two do not overlap. f stays Lipschitz because its
weights are clipped to [-0.01, 0.01] after every step. It moves five times for each move of G. Both
learn with RMSProp(5e-5); the paper finds that training with momentum is unstable, because the loss
of f keeps changing. The critic has no BatchNorm here.

Differs from the paper: 64 latents and 32 channels before the last layer of G, where the paper has
100 and 64 (`--preset paper`).
"""

import torch

from reference_models.engine.data import Batch, Data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game
from reference_models.engine.recipe import Exported, OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts.augment import AUGMENT, augment_of
from reference_models.parts.networks import discriminator_for, generator_for
from reference_models.parts.objectives import objective_of
from reference_models.parts.penalties import clip_weights
from reference_models.parts.stabilise import STABILISE, stabiliser_of
from reference_models.parts.unconditional import Unconditional
from reference_models.parts.weights import init_uniform

Generator = generator_for


class WassersteinGan(Unconditional):
    """The game with the clipped critic."""

    def after_step(self, player: str, batch: Batch, draw: Draw) -> None:
        """Clip the critic's weights."""
        super().after_step(player, batch, draw)
        if player == "D":
            clip_weights(self.discriminator, self.options["clip"])


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game with its first weights; the critic's weights are clipped."""
    game = WassersteinGan(
        Generator(**recipe.generator_options(data.shape)),
        discriminator_for(data.shape, **recipe.networks["discriminator"]),
        objective_of(recipe),
        augment_of(recipe, data),
        stabiliser_of(recipe),
        recipe.game,
    )
    init_uniform(game, randomness)
    clip_weights(game.discriminator, recipe.game["clip"])
    return game


RECIPE = Recipe(
    name="wgan",
    make_game=make_game,
    exported={"generator": Exported("reference_models.wgan:Generator")},
    networks={"generator": {"latent_size": 64, "width": 32}, "discriminator": {"width": 32}},
    game={"objective": "wasserstein", "clip": 0.01, **AUGMENT, **STABILISE},
    solver=Alternating(num_first=5),
    optimizers={player: OptimizerSpec(name="rmsprop", lr=5e-5) for player in ("D", "G")},
    presets={
        "digits": {"optimizers.D.lr": 5e-4, "optimizers.G.lr": 5e-4},
        "paper": {
            "generator.latent_size": 100,
            "generator.width": 64,
            "discriminator.width": 64,
        },
    },
)
