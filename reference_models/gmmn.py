"""GMMN: a generator without a discriminator; it makes its batches similar to batches of data.

Li, Swersky and Zemel, "Generative Moment Matching Networks", ICML 2015, section "Data Space
Networks". G is the only player. It minimises the maximum mean discrepancy (MMD) of a batch x of
data and a batch y = G(z) of samples:

    L = sqrt(mean k(x, x') + mean k(y, y') - 2 mean k(x, y))      means over all pairs of a batch
    k(x, y) = sum_b exp(-|x - y|^2 / (2 b^2))                     b: several bandwidths

The root is taken of an estimate of MMD^2, which is 0 only for equal distributions
(`parts/kernels.py`).

What is special: the kernel is fixed, so there is no game to be kept in balance. With several
bandwidths there is no need to search for the right one. The root keeps the gradient from vanishing
near the optimum (section "Practical Considerations"). The estimate needs large batches. Pictures
are compared pixel by pixel; `mmd_gan.py` learns features to compare instead.

Differs from the paper: convolutions, BatchNorm and normal latents, where it has perceptrons and
uniform latents; 256 items in a batch, where it has 1,000 (`--preset paper`); only the data
themselves, where it also matches the codes of an autoencoder.
"""

from collections.abc import Sequence

import torch

from reference_models.engine.data import Data
from reference_models.engine.game import Game
from reference_models.engine.recipe import Exported, OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts.kernels import biased_mmd2, gaussians
from reference_models.parts.matching import Distance, Matching
from reference_models.parts.networks import generator_for
from reference_models.parts.weights import init_uniform

Generator = generator_for


def discrepancy(bandwidths: Sequence[float]) -> Distance:
    """Return the root of the biased MMD^2 with a sum of Gaussian kernels.

    Raises:
        GanevalError: A bandwidth is 0.
    """
    kernel = gaussians(bandwidths)

    def distance(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        return biased_mmd2(kernel, real, fake).relu().sqrt()  # relu: rounding may go below 0

    return distance


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game with its first weights."""
    generator = Generator(**recipe.generator_options(data.shape))
    game = Matching(generator, discrepancy(recipe.game["bandwidths"]))
    init_uniform(game, randomness)
    return game


RECIPE = Recipe(
    name="gmmn",
    make_game=make_game,
    exported={"generator": Exported("reference_models.gmmn:Generator")},
    networks={"generator": {"latent_size": 16, "width": 32}},
    game={"bandwidths": (1.0, 2.0, 4.0, 8.0, 16.0)},
    solver=Alternating(),
    optimizers={"G": OptimizerSpec(lr=1e-3, betas=(0.5, 0.999))},
    batch_size=256,
    presets={
        "points": {
            "batch_size": 128,
            "game.bandwidths": [0.1, 0.25, 0.5, 1.0, 2.0],
            "optimizers.G.lr": 5e-3,
        },
        "paper": {"batch_size": 1000, "prior": "uniform", "generator.latent_size": 10},
    },
)
