"""GAN: a generator G and a discriminator D play a game.

Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014, equation 1, with data x and latents
z:

    min_G max_D  E log D(x) + E log(1 - D(G(z)))

D(x) is the probability that x is real. The network returns its logit, so D(x) is the sigmoid of the
output. For a fixed G whose samples have the density p_g, the best D is p_data / (p_data + p_g), and
the value is then 2 JSD(p_data, p_g) - log 4.

What is special: G is trained without the density of its samples; it needs only the gradient of D.
If D is sure that a sample is generated, equation 1 gives G hardly any gradient. So section 3 of the
paper has another loss for G, the non-saturating loss, with the same fixed point:

    D minimises   -E log D(x) - E log(1 - D(G(z)))
    G minimises   -E log D(G(z))                       `MINIMAX`: E log(1 - D(G(z))), equation 1

`--preset r1`, `dragan` and `instance-noise` keep D smooth (`parts/stabilise.py`).

Differs from the paper: the perceptrons have ReLU and leaky ReLU and learn with Adam, where the
paper has maxout and dropout in D, and momentum.
"""

import math
from dataclasses import replace
from functools import partial

import torch
from torch import nn

from reference_models.engine.data import Data
from reference_models.engine.game import Game
from reference_models.engine.recipe import Exported, OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts.augment import AUGMENT, augment_of
from reference_models.parts.discriminator import Discriminator
from reference_models.parts.labels import LABELS
from reference_models.parts.objectives import Objective, objective_of
from reference_models.parts.perceptron import hidden_layers
from reference_models.parts.stabilise import PRESETS, STABILISE, stabiliser_of
from reference_models.parts.unconditional import Unconditional
from reference_models.parts.weights import init_uniform


class MlpGenerator(nn.Module):
    """A multi-layer perceptron from latents to points or small images."""

    def __init__(
        self, *, latent_size: int, shape: tuple[int, ...], width: int = 128, depth: int = 2
    ) -> None:
        """Build `depth` hidden layers; a tanh keeps images (three axes) in [-1, 1]."""
        super().__init__()
        self.latent_size, self.shape = latent_size, tuple(shape)
        sizes = [latent_size, *[width] * depth]
        self.hidden = nn.Sequential(*hidden_layers(sizes, nn.ReLU))
        self.output = nn.Linear(width, math.prod(self.shape))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Return samples float32 [B, *shape]."""
        flat: torch.Tensor = self.output(self.hidden(z))
        samples = flat.reshape(len(z), *self.shape)
        return samples.tanh() if len(self.shape) == 3 else samples


class MlpDiscriminator(Discriminator):
    """A multi-layer perceptron from points or small images to logits, by default one."""

    def __init__(
        self,
        *,
        shape: tuple[int, ...],
        width: int = 128,
        depth: int = 2,
        num_outputs: int = 1,
    ) -> None:
        """Build `depth` hidden layers."""
        super().__init__()
        self.num_features = width
        sizes = [math.prod(shape), *[width] * depth]
        self.layers = nn.Sequential(
            nn.Flatten(),
            *hidden_layers(sizes, partial(nn.LeakyReLU, 0.2)),
            nn.Linear(width, num_outputs),
        )

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Return the last hidden layer."""
        hidden: torch.Tensor = self.layers[:-1](x)
        return hidden

    def logits(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits of features."""
        logits: torch.Tensor = self.layers[-1](features)
        return logits.squeeze(1)


Generator = MlpGenerator


def mlp_game(
    recipe: Recipe,
    data: Data,
    randomness: torch.Generator,
    objective: Objective,
    kind: type[Unconditional] = Unconditional,
) -> Game:
    """Return a game of these networks with its first weights.

    Args:
        recipe: Has the settings of networks, augmentation and stabiliser.
        data: Has the shape of a sample.
        randomness: Random generator for the first weights.
        objective: The losses of both players.
        kind: Class of the game; a subclass can add terms that are no function of the logits.
    """
    game = kind(
        Generator(**recipe.generator_options(data.shape)),
        MlpDiscriminator(shape=data.shape, **recipe.networks["discriminator"]),
        objective,
        augment_of(recipe, data),
        stabiliser_of(recipe),
        recipe.game,
    )
    init_uniform(game, randomness)
    return game


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game with its first weights."""
    return mlp_game(recipe, data, randomness, objective_of(recipe))


RECIPE = Recipe(
    name="gan",
    make_game=make_game,
    exported={"generator": Exported("reference_models.gan:Generator")},
    networks={
        "generator": {"latent_size": 16, "width": 128, "depth": 2},
        "discriminator": {"width": 128, "depth": 2},
    },
    game={"objective": "non-saturating", **LABELS, **AUGMENT, **STABILISE},
    solver=Alternating(),
    optimizers={player: OptimizerSpec(lr=5e-4) for player in ("D", "G")},
    presets={"points": {"optimizers.D.lr": 2e-3, "optimizers.G.lr": 2e-3}, **PRESETS},
    variant="non-saturating loss of G",
)
MINIMAX = replace(
    RECIPE,
    name="gan-minimax",
    game={**RECIPE.game, "objective": "minimax"},
    variant="equation 1 as it stands",
)
