"""GAN: a generator and a discriminator play a minimax game.

Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014, equation 1:

    min_G max_D  E_x log D(x) + E_z log(1 - D(G(z)))

At the best D* = p_data / (p_data + p_g) the value is 2 JSD(p_data, p_g) - log 4. As the paper's
section 3 advises, G maximises log D(G(z)) instead, which has the same fixed point and stronger
gradients where D is sure (`MINIMAX` keeps equation 1). Multi-layer perceptrons throughout.
"""

import torch

from reference_models.engine.game import Game
from reference_models.engine.recipe import OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts.networks import MlpDiscriminator, MlpGenerator, init_uniform
from reference_models.parts.objectives import OBJECTIVES
from reference_models.parts.unconditional import Unconditional

LATENT_SIZE = 16
WIDTH = 128

Generator = MlpGenerator


def build_game(objective: str, shape: tuple[int, ...], randomness: torch.Generator) -> Game:
    """Return the game with its first weights."""
    generator = Generator(latent_size=LATENT_SIZE, shape=shape, width=WIDTH)
    discriminator = MlpDiscriminator(shape=shape, width=WIDTH)
    game = Unconditional(generator, discriminator, OBJECTIVES[objective])
    init_uniform(game, randomness)
    return game


def _recipe(name: str, objective: str, variant: str) -> Recipe:
    """Return the recipe with one of the two generator losses."""
    return Recipe(
        name=name,
        build=lambda shape, randomness: build_game(objective, shape, randomness),
        entry="reference_models.gan:Generator",
        generator_options=lambda shape: {
            "latent_size": LATENT_SIZE,
            "shape": list(shape),
            "width": WIDTH,
        },
        solver=Alternating(),
        optimizers={player: OptimizerSpec(lr=5e-4) for player in ("D", "G")},
        variant=variant,
    )


RECIPE = _recipe("gan", "non-saturating", "non-saturating loss of G")
MINIMAX = _recipe("gan-minimax", "minimax", "equation 1 as it stands")
