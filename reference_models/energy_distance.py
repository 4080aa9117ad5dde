"""Energy distance: a generator without a discriminator, whose gradients have no bias.

Bellemare et al., "The Cramer Distance as a Solution to Biased Wasserstein Gradients", arXiv
1705.10743, 2017, section on the multivariate case. Let x and x' be real samples, drawn from the
distribution P, and y = G(z) and y' = G(z') generated samples, whose distribution is Q, all
independent. The only player, G, minimises

    E(P, Q) = 2 E |x - y| - E |x - x'| - E |y - y'|

This is 0 only if P = Q (Szekely and Rizzo, "Energy Statistics", Journal of Statistical Planning and
Inference 2013). It is the squared MMD of `gmmn.py` with the kernel -|x - y|, which has no
bandwidth. In one dimension it is twice Cramer's distance, 2 * integral (F_P - F_Q)^2, where F_P and
F_Q are the distribution functions.

What is special: E(P, Q) is a sum of expectations over pairs. Means over pairs of different items of
two batches estimate it and its gradient without bias, even for batches of two items. So G comes to
rest where P = Q. The Wasserstein distance has no unbiased estimate from batches. The estimate that
also pairs each item with itself (`game.unbiased = false`) is biased too: such a pair has the
distance 0, so a G whose samples are spread less than the data gets a lower loss. The effect is
largest for small batches.

Differs from the paper: this is the distance of the samples themselves. The paper's Cramer GAN uses
the distance of features that a critic learns; the paper shows pictures but no scores.
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
