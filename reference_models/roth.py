"""Roth et al. 2017: the GAN with the regulariser that noise on its samples would amount to.

Roth, Lucchi, Nowozin and Hofmann, "Stabilizing Training of Generative Adversarial Networks through
Regularization", NeurIPS 2017, section 3. Gaussian noise of variance gamma on real and generated
samples makes their densities overlap; to first order in gamma it adds to D's loss

    gamma / 2 { E_x (1 - D(x))^2 |grad l(x)|^2 + E_z D(G(z))^2 |grad l(G(z))|^2 },   D = sigmoid(l)

What is special: the slope is that of the logit l, each sample's weight is its error, and gamma
falls from its first value by the factor `decay` until `anneal_images` are seen, as in the authors'
code. G is untouched: the non-saturating loss of `gan.py`. The equilibrium of the Dirac-GAN becomes
stable (docs/dynamics.md).

Differs from the paper: the networks and rates of `gan.py`, where the paper has convolutional ones.
"""

from dataclasses import replace
from functools import partial

import torch
from torch import nn

from reference_models.engine.data import Data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import Exported, Recipe
from reference_models.gan import RECIPE as GAN
from reference_models.gan import MlpGenerator, mlp_game
from reference_models.parts.augment import AUGMENT, Augment
from reference_models.parts.objectives import OBJECTIVES, Objective
from reference_models.parts.penalties import Critic, square_slope
from reference_models.parts.stabilise import NOISE, OFF, Stabiliser, images_before
from reference_models.parts.unconditional import Unconditional

Generator = MlpGenerator


def js_regulariser(critic: Critic, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """Return E (1 - D)^2 |grad l|^2 on real samples + E D^2 |grad l|^2 on generated ones.

    Args:
        critic: Maps float [B, ...] to logits l [B].
        real: float32 [B, ...].
        fake: float32 [B, ...].
    """
    of_real = torch.sigmoid(-critic(real)).square() * square_slope(critic, real)
    of_fake = torch.sigmoid(critic(fake.detach())).square() * square_slope(critic, fake)
    return of_real.mean() + of_fake.mean()


class Roth(Unconditional):
    """The game with the regularised D."""

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        objective: Objective,
        augment: Augment,
        stabiliser: Stabiliser = OFF,
        *,
        gamma: float,
        decay: float,
        anneal_images: int,
    ) -> None:
        """Take what `Unconditional` takes, gamma, its factor, the images until that is reached."""
        super().__init__(generator, discriminator, objective, augment, stabiliser)
        self.gamma, self.decay, self.anneal_images = gamma, decay, anneal_images

    def discriminator_terms(self, real: torch.Tensor, fake: torch.Tensor, draw: Draw) -> Terms:
        """Return D's two terms."""
        progress = min(images_before(len(real), draw) / self.anneal_images, 1.0)
        gamma = self.gamma * self.decay**progress
        return {
            **super().discriminator_terms(real, fake, draw),
            "regulariser": gamma / 2 * js_regulariser(self.discriminator, real, fake),
        }


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game with its first weights."""
    numbers = {name: recipe.game[name] for name in ("gamma", "decay", "anneal_images")}
    return mlp_game(
        recipe, data, randomness, OBJECTIVES["non-saturating"], partial(Roth, **numbers)
    )


RECIPE = replace(
    GAN,
    name="roth",
    make_game=make_game,
    exported={"generator": Exported("reference_models.roth:Generator")},
    game={
        **{"gamma": 2.0, "decay": 0.01, "anneal_images": 128_000},
        **AUGMENT,
        **NOISE,
    },
    presets={"points": GAN.presets["points"]},
    variant="",
)
