"""Energy distance: a generator without a discriminator, and gradients without a bias.

Bellemare et al., "The Cramer Distance as a Solution to Biased Wasserstein Gradients", arXiv
1705.10743, 2017, section 4: with x, x' of the data and y, y' = G(z), G(z'), G minimises

    E(P, Q) = 2 E |x - y| - E |x - x'| - E |y - y'|

In one dimension it is twice Cramer's distance, 2 * integral (F_P - F_Q)^2 of the distribution
functions. It comes from Szekely and Rizzo ("Energy Statistics", Journal of Statistical Planning
and Inference 2013), and is the squared MMD of the kernel -|x - y|, which has no bandwidth.

What is special: E(P, Q) is a sum of expectations over pairs. So means over pairs of different
items of two batches estimate it and its gradient without bias, even of a batch of two, and G comes
to rest where P = Q. The Wasserstein distance of two batches has no such estimate, nor has the sum
over all pairs, those of an item with itself too (`game.unbiased = false`): as these are 0, a
generator does better than P if it spreads less, the more so the smaller the batch.

Differs from the paper: the distance is that of the samples themselves, where the paper's Cramer
GAN has it of features that a critic learns; the paper publishes pictures and no scores of them.
"""

from functools import partial

import torch

from reference_models.engine.data import Data
from reference_models.engine.game import Game
from reference_models.engine.recipe import Exported, OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts.kernels import biased_mmd2, negative_distance, unbiased_mmd2
from reference_models.parts.matching import Matching
from reference_models.parts.networks import generator_for
from reference_models.parts.weights import init_uniform

Generator = generator_for


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game with its first weights."""
    estimate = unbiased_mmd2 if recipe.game["unbiased"] else biased_mmd2
    generator = Generator(**recipe.generator_options(data.shape))
    game = Matching(generator, partial(estimate, negative_distance))
    init_uniform(game, randomness)
    return game


RECIPE = Recipe(
    name="energy-distance",
    make_game=make_game,
    exported={"generator": Exported("reference_models.energy_distance:Generator")},
    networks={"generator": {"latent_size": 16, "width": 32}},
    game={"unbiased": True},
    solver=Alternating(),
    optimizers={"G": OptimizerSpec(lr=1e-3, betas=(0.5, 0.999))},
    batch_size=64,
    presets={"points": {"optimizers.G.lr": 2e-3}},
)
