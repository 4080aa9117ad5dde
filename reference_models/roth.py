"""Roth et al. 2017: a regulariser of D that has the same effect as noise on its samples.

Roth, Lucchi, Nowozin and Hofmann, "Stabilizing Training of Generative Adversarial Networks through
Regularization", NeurIPS 2017, section "Noise-Induced Regularization", with the numbers of the
authors' code (rothk/Stabilizing_GANs). l is the logit of D, and D = sigmoid(l):

    D minimises   -E log D(x) - E log(1 - D(G(z))) + gamma / 2 Omega
    G minimises   -E log D(G(z))                                            as in `gan.py`

    Omega = E (1 - D(x))^2 |grad l(x)|^2 + E D(G(z))^2 |grad l(G(z))|^2

What is special: Gaussian noise of variance gamma on real and generated samples would make their
densities overlap. To first order in gamma, Omega has the same effect without drawing any noise. The
gradient is taken of the logit, and a sample that D already judges correctly has little weight.
gamma falls during training: after `anneal_images` images it has been multiplied by `decay`. The
equilibrium of the Dirac-GAN becomes stable (docs/dynamics.md).

Differs from the paper: the networks and rates of `gan.py`, where the paper has convolutional ones.
"""

from dataclasses import replace

import torch

from reference_models.engine.data import Data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import Exported, Recipe
from reference_models.gan import RECIPE as GAN
from reference_models.gan import MlpGenerator, mlp_game
from reference_models.parts.augment import AUGMENT
from reference_models.parts.objectives import OBJECTIVES
from reference_models.parts.penalties import Critic, square_slope
from reference_models.parts.stabilise import NOISE, images_before
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

    def discriminator_terms(self, real: torch.Tensor, fake: torch.Tensor, draw: Draw) -> Terms:
        """Return D's two terms."""
        progress = min(images_before(len(real), draw) / self.options["anneal_images"], 1.0)
        gamma = self.options["gamma"] * self.options["decay"] ** progress
        return {
            **super().discriminator_terms(real, fake, draw),
            "regulariser": gamma / 2 * js_regulariser(self.discriminator, real, fake),
        }


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game with its first weights."""
    return mlp_game(recipe, data, randomness, OBJECTIVES["non-saturating"], Roth)


RECIPE = replace(
    GAN,
    name="roth",
    make_game=make_game,
    exported={"generator": Exported("reference_models.roth:Generator")},
    game={
        "gamma": 2.0,
        "decay": 0.01,
        "anneal_images": 128_000,
        **AUGMENT,
        **NOISE,
    },
    presets={"points": GAN.presets["points"]},
    variant="",
)
