"""LSGAN: the squared error instead of the logistic loss.

Mao et al., "Least Squares Generative Adversarial Networks", ICCV 2017:

    D minimises   1/2 E (D(x) - b)^2 + 1/2 E (D(G(z)) - a)^2
    G minimises   1/2 E (D(G(z)) - c)^2

D(x) may be any number. a is the label of generated samples and b the label of real ones. c is the
output that G wants from D. `game.labels` are a, b, c: by default 0, 1, 1.

What is special: a sample that D takes for real still has a gradient, unless D returns exactly c.
With b - c = 1 and b - a = 2 (`--preset pearson`) the game minimises a Pearson divergence (section
"Relation to Pearson chi^2 divergence"). Let p be the density of the data and q of the samples:

    D*(x) = (b p(x) + a q(x)) / (p(x) + q(x))
    E (D*(x) - c)^2 + E (D*(G(z)) - c)^2 = chi^2(p + q || 2 q)

The first expectation does not depend on G, so the loss of G leaves it out.

Differs from the paper: the networks of `gan.py`, where the paper has convolutional ones; the preset
is 0, 2, 1, where the paper has -1, 1, 0, which is the same game with D's output shifted by 1.
"""

from dataclasses import replace

import torch

from reference_models.engine.data import Data
from reference_models.engine.game import Game
from reference_models.engine.recipe import Exported, Recipe
from reference_models.gan import RECIPE as GAN
from reference_models.gan import MlpGenerator, mlp_game
from reference_models.parts.augment import AUGMENT
from reference_models.parts.objectives import Logits, Objective
from reference_models.parts.stabilise import STABILISE

Generator = MlpGenerator


def least_squares(*, of_fake: float, of_real: float, wanted: float) -> Objective:
    """Return the losses of both players with the labels a, b and c."""

    def discriminator(real: Logits, fake: Logits) -> torch.Tensor:
        return ((real - of_real).square().mean() + (fake - of_fake).square().mean()) / 2

    def generator(real: Logits | None, fake: Logits) -> torch.Tensor:
        return (fake - wanted).square().mean() / 2

    return Objective(discriminator, generator)


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game with its first weights."""
    of_fake, of_real, wanted = recipe.game["labels"]
    objective = least_squares(of_fake=of_fake, of_real=of_real, wanted=wanted)
    return mlp_game(recipe, data, randomness, objective)


RECIPE = replace(
    GAN,
    name="lsgan",
    make_game=make_game,
    exported={"generator": Exported("reference_models.lsgan:Generator")},
    game={"labels": (0.0, 1.0, 1.0), **AUGMENT, **STABILISE},
    presets={**GAN.presets, "pearson": {"game.labels": [0.0, 2.0, 1.0]}},
    variant="",
)
