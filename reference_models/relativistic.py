"""Relativistic average GAN: D compares each sample with the average of the opposite kind.

Jolicoeur-Martineau, "The relativistic discriminator: a key element missing from standard GAN", ICLR
2019, section "Relativistic average GANs" (RaSGAN). C(x) is the output of the network:

    D(x) = sigmoid(C(x) - E C(G(z)))        D(G(z)) = sigmoid(C(G(z)) - E C(x))

    D minimises   -E log D(x) - E log(1 - D(G(z)))
    G minimises   -E log D(G(z)) - E log(1 - D(x))

What is special: the loss of G depends on real samples too, and makes them look less real. The
paper's argument is that D should know that half of its samples are real. So if generated samples
look more real, the real ones must look less real. The expectations E C are means over the batch.

Differs from the paper: the networks of `gan.py`, where the paper has convolutional ones; if a batch
is computed in parts (several processes, `solver.accumulate`), the means are over each part.
"""

from dataclasses import replace

import torch

from reference_models.engine.data import Data
from reference_models.engine.game import Game
from reference_models.engine.recipe import Exported, Recipe
from reference_models.gan import RECIPE as GAN
from reference_models.gan import MlpGenerator, mlp_game
from reference_models.parts.augment import AUGMENT
from reference_models.parts.objectives import Logits, Objective, logistic_discriminator
from reference_models.parts.stabilise import STABILISE

Generator = MlpGenerator


def discriminator_loss(real: Logits, fake: Logits) -> torch.Tensor:
    """Return the loss of D for the outputs C [B] of real and generated samples."""
    return logistic_discriminator(real - fake.mean(), fake - real.mean())


def generator_loss(real: Logits | None, fake: Logits) -> torch.Tensor:
    """Return the loss of G: the loss of D with real and generated samples exchanged."""
    assert real is not None, "generator_sees_real is set"
    return discriminator_loss(fake, real)


OBJECTIVE = Objective(discriminator_loss, generator_loss, generator_sees_real=True)


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game with its first weights."""
    return mlp_game(recipe, data, randomness, OBJECTIVE)


RECIPE = replace(
    GAN,
    name="relativistic",
    make_game=make_game,
    exported={"generator": Exported("reference_models.relativistic:Generator")},
    game={**AUGMENT, **STABILISE},
    variant="",
)
