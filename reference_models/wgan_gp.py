"""WGAN-GP: a penalty on the critic's gradient keeps the critic Lipschitz.

Gulrajani et al., "Improved Training of Wasserstein GANs", NeurIPS 2017, equation 3. f is the critic
of `wgan.py`:

    D minimises   E f(G(z)) - E f(x) + lambda E (|grad f(xhat)|_2 - 1)^2
    G minimises   -E f(G(z))

xhat = u x + (1 - u) G(z) lies between a real and a generated sample, with a uniform u for each
pair.

What is special: the weights are not clipped. f may be any function with a slope near 1 between real
and generated samples. lambda = 10 on images (0.1 on the toy data of the paper's code, as in
`--preset points`). Each sample must have its own gradient, so the critic has no BatchNorm. It moves
five times for each move of G.

`--preset cifar10` is mimicry's residual network: the critic has no LayerNorm, and its last maps are
averaged. Published: FID 22.29 +- 0.06 with 50,000 real images of the training split and 50,000
generated ones (mimicry's README). `--preset ttur` has one move of the critic for each move of G,
and the rates of Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local
Nash Equilibrium", NeurIPS 2017: critic 3e-4, G 1e-4 (their code).

Differs from the paper: Adam(1e-4, 0.5, 0.9), as in the paper's code for toy data, where algorithm 1
has beta_1 = 0; 64 latents and 32 channels, where it has 128 and 64 or more (`--preset paper`).
"""

import torch

from reference_models.engine.data import Data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import Exported, OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts.augment import AUGMENT, augment_of
from reference_models.parts.cifar10 import CIFAR10, RESIDUAL
from reference_models.parts.ffhq64 import FFHQ64
from reference_models.parts.networks import discriminator_for, generator_for
from reference_models.parts.objectives import objective_of
from reference_models.parts.penalties import gradient_penalty
from reference_models.parts.residual import init_residual, is_residual
from reference_models.parts.stabilise import STABILISE, stabiliser_of
from reference_models.parts.unconditional import Unconditional
from reference_models.parts.weights import init_uniform

Generator = generator_for


class WassersteinGanGp(Unconditional):
    """The game with the penalised critic."""

    def discriminator_terms(self, real: torch.Tensor, fake: torch.Tensor, draw: Draw) -> Terms:
        """Return the critic's two terms."""
        terms = super().discriminator_terms(real, fake, draw)
        mix = draw.uniform("mix", len(fake), like=fake)
        penalty = gradient_penalty(self.discriminator, real, fake.detach(), mix)
        return {**terms, "gradient_penalty": self.options["penalty_weight"] * penalty}


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game with its first weights."""
    game = WassersteinGanGp(
        Generator(**recipe.generator_options(data.shape)),
        # Only residual bodies use the pooling.
        discriminator_for(data.shape, pooling="mean", **recipe.networks["discriminator"]),
        objective_of(recipe),
        augment_of(recipe, data),
        stabiliser_of(recipe),
        recipe.game,
    )
    for name, options in recipe.networks.items():
        network = game.get_submodule(name)
        if is_residual(options["body"]):
            init_residual(network, randomness, only_main=True)
        else:
            init_uniform(network, randomness)
    return game


RECIPE = Recipe(
    name="wgan-gp",
    make_game=make_game,
    exported={"generator": Exported("reference_models.wgan_gp:Generator")},
    networks={
        "generator": {"latent_size": 64, "width": 32, "body": "plain"},
        "discriminator": {"width": 32, "body": "plain"},
    },
    game={"objective": "wasserstein", "penalty_weight": 10.0, **AUGMENT, **STABILISE},
    solver=Alternating(num_first=5),
    optimizers={player: OptimizerSpec(lr=1e-4, betas=(0.5, 0.9)) for player in ("D", "G")},
    presets={
        "paper": {
            "generator.latent_size": 128,
            "generator.width": 64,
            "discriminator.width": 64,
            "optimizers.D.betas": [0.0, 0.9],
            "optimizers.G.betas": [0.0, 0.9],
        },
        "points": {
            "game.penalty_weight": 0.1,
            "optimizers.D.lr": 2e-3,
            "optimizers.G.lr": 2e-3,
        },
        "ttur": {
            "solver.num_first": 1,
            "optimizers.D.lr": 3e-4,
            "optimizers.G.lr": 1e-4,
            "optimizers.D.betas": [0.0, 0.9],
            "optimizers.G.betas": [0.0, 0.9],
        },
        "ffhq64": FFHQ64,
        "cifar10": {**CIFAR10, **RESIDUAL},
    },
)
