"""Flow-GAN: a generator with a known density learns from its likelihood and from D.

Grover, Dhar and Ermon, "Flow-GAN: Combining Maximum Likelihood and Adversarial Learning in
Generative Models", AAAI 2018, section on hybrid learning. G is a flow (`parts/flow.py`), so log
p_G(x) is known for any x. f is the critic of `wgan_gp.py`:

    D minimises   E f(G(z)) - E f(x) + 10 E (|grad f(xhat)| - 1)^2          as in `wgan_gp.py`
    G minimises   -E f(G(z)) - lambda E log p_G(x)

What is special: the same network can be trained in three ways, and its likelihood is known each
time. The paper calls them ADV (lambda = 0, D alone), hybrid (`RECIPE`, lambda = 1) and MLE, maximum
likelihood without D (`FLOW`, one player, who minimises -E log p_G(x)). The paper's result: with ADV
the samples are good, but the likelihood is worse than for a mixture of Gaussians around the
training data. With MLE the likelihood is good and the samples are worse.

Pictures are dequantised for D and for the likelihood (`parts/likelihood.py`).

Differs from the paper: it has NICE with a logistic prior for MNIST, and RealNVP with residual
networks on several scales for CIFAR-10. Here all data use one kind of flow, made of perceptrons,
with a normal prior. The paper's code has lambda = 20 on CIFAR-10.
"""

from dataclasses import replace

import torch

import ganeval
from reference_models.engine.data import Batch, Data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import Exported, OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts.augment import AUGMENT, augment_of
from reference_models.parts.flow import Flow
from reference_models.parts.likelihood import MaximumLikelihood, dequantised
from reference_models.parts.networks import discriminator_for
from reference_models.parts.objectives import objective_of
from reference_models.parts.weights import init_uniform
from reference_models.wgan_gp import WassersteinGanGp

Generator = Flow


class FlowGan(WassersteinGanGp):
    """The game of the flow against the penalised critic; the flow has a likelihood term too."""

    generator: Flow

    def reads(self, player: str) -> bool:
        """Return whether a player uses real samples; G does for their likelihood."""
        return super().reads(player) or self.options["likelihood_weight"] > 0

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the terms of wgan-gp on dequantised pictures, and for G the likelihood term."""
        if not self.reads(player):
            return super().loss(player, batch, draw)
        real = dequantised(batch, draw)
        terms = super().loss(player, Batch({"real": real}), draw)
        if player == "D":
            return terms
        log_prob = self.generator.log_prob(real).mean()
        return {**terms, "likelihood": -self.options["likelihood_weight"] * log_prob}


def flow_of(recipe: Recipe, data: Data) -> Flow:
    """Return the flow of a recipe.

    Raises:
        GanevalError: The prior is not normal; log p is computed for a normal prior.
    """
    if recipe.prior != "normal":
        raise ganeval.GanevalError(
            f"prior {recipe.prior} for {recipe.name}",
            "normal latents, because log p is computed for them",
            "leave prior=normal",
        )
    return Flow(**recipe.generator_options(data.shape))


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game with its first weights."""
    game = FlowGan(
        flow_of(recipe, data),
        discriminator_for(data.shape, **recipe.networks["discriminator"]),
        objective_of(recipe),
        augment_of(recipe, data),
        options=recipe.game,
    )
    init_uniform(game, randomness)
    return game


def make_flow(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game of one player with its first weights."""
    game = MaximumLikelihood(flow_of(recipe, data))
    init_uniform(game, randomness)
    return game


RECIPE = Recipe(
    name="flow-gan",
    make_game=make_game,
    exported={"generator": Exported("reference_models.flow_gan:Generator")},
    networks={
        "generator": {"num_couplings": 8, "width": 128, "depth": 2, "limit": 2.0},
        "discriminator": {"width": 32},
    },
    game={
        "objective": "wasserstein",
        "penalty_weight": 10.0,
        "likelihood_weight": 1.0,
        **AUGMENT,
    },
    solver=Alternating(num_first=5),
    optimizers={player: OptimizerSpec(lr=1e-3, betas=(0.5, 0.9)) for player in ("D", "G")},
    presets={
        "points": {
            "game.penalty_weight": 0.1,
            "optimizers.D.lr": 2e-3,
            "optimizers.G.lr": 2e-3,
        }
    },
    variant="hybrid: likelihood and D",
)
FLOW = replace(
    RECIPE,
    name="flow",
    make_game=make_flow,
    networks={"generator": RECIPE.networks["generator"]},
    game={},
    solver=Alternating(),
    optimizers={"G": OptimizerSpec(lr=1e-3, betas=(0.9, 0.999), max_norm=100.0)},
    presets={"points": {"optimizers.G.lr": 2e-3}},
    variant="maximum likelihood alone",
)
