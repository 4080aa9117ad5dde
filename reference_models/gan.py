"""GAN: a generator and a discriminator play a minimax game.

Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014, equation 1:

    min_G max_D  E_x log D(x) + E_z log(1 - D(G(z)))

At the best D* = p_data / (p_data + p_g) the value is 2 JSD(p_data, p_g) - log 4. As the paper's
section 3 advises, G maximises log D(G(z)) instead, which has the same fixed point and stronger
gradients where D is sure (`MINIMAX` keeps equation 1). Multi-layer perceptrons throughout.
`--preset r1`, `dragan` and `instance-noise` keep D smooth (`parts/stabilise.py`).

Differs from the paper: rectified and leaky rectified units with Adam, where the paper has maxout
and dropout in D with momentum.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import nn

from reference_models.engine.data import Data
from reference_models.engine.game import Game
from reference_models.engine.recipe import Exported, OptimizerSpec, Recipe
from reference_models.engine.solvers import Alternating
from reference_models.parts.augment import AUGMENT, Augment, augment_of
from reference_models.parts.discriminator import Discriminator
from reference_models.parts.labels import LABELS
from reference_models.parts.objectives import Objective, objective_of
from reference_models.parts.stabilise import PRESETS, STABILISE, Stabiliser, stabiliser_of
from reference_models.parts.unconditional import Unconditional
from reference_models.parts.weights import init_uniform


class MlpGenerator(nn.Module):
    """A multi-layer perceptron from latents to points or small images."""

    def __init__(
        self, *, latent_size: int, shape: tuple[int, ...], width: int = 128, depth: int = 2
    ) -> None:
        """Build `depth` hidden layers; images (three axes) end in tanh, points in nothing."""
        super().__init__()
        self.latent_size, self.shape = latent_size, tuple(shape)
        sizes = [latent_size, *[width] * depth]
        self.hidden = nn.Sequential(
            *(
                layer
                for before, after in itertools.pairwise(sizes)
                for layer in (nn.Linear(before, after), nn.ReLU())
            )
        )
        self.output = nn.Linear(width, math.prod(self.shape))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Return samples float32 [B, *shape]."""
        flat: torch.Tensor = self.output(self.hidden(z))
        samples = flat.reshape(len(z), *self.shape)
        return samples.tanh() if len(self.shape) == 3 else samples


class MlpDiscriminator(Discriminator):
    """A multi-layer perceptron from points or small images to one logit."""

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
            *(
                layer
                for before, after in itertools.pairwise(sizes)
                for layer in (nn.Linear(before, after), nn.LeakyReLU(0.2))
            ),
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


MakeUnconditional = Callable[[nn.Module, nn.Module, Objective, Augment, Stabiliser], Unconditional]


def mlp_game(
    recipe: Recipe,
    data: Data,
    randomness: torch.Generator,
    objective: Objective,
    make: MakeUnconditional = Unconditional,
) -> Game:
    """Return a game of these networks with an objective and its first weights.

    Args:
        recipe: Gives the numbers of networks, augmentation and stabiliser.
        data: Gives the shape of a sample.
        randomness: Of the first weights.
        objective: The losses of both players.
        make: Makes the game; a paper's own may have terms that an objective cannot express.
    """
    game = make(
        Generator(**recipe.generator_options(data.shape)),
        MlpDiscriminator(shape=data.shape, **recipe.networks["discriminator"]),
        objective,
        augment_of(recipe, data),
        stabiliser_of(recipe),
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
