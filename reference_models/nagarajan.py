"""Nagarajan and Kolter 2017: G also makes the gradient of D small.

Nagarajan and Kolter, "Gradient descent GAN optimization is locally stable", NeurIPS 2017, section
on gradient-based regularization, with the numbers of the authors' code
(locuslab/gradient_regularized_gan). V is equation 1 of `gan.py`, and theta are the parameters of D:

    V = E log D(x) + E log(1 - D(G(z)))

    D minimises   -V
    G minimises   V + eta |dV / dtheta|^2

What is special: the loss of G contains the gradient with respect to D's parameters. Its length says
how far D will move next. So G looks one move ahead, and avoids places where D would move far. To
first order the term has the same effect on G as one step of unrolling (`unrolled.py`). The term
depends on real samples too, unlike the rest of G's loss. eta = 0.5, and D has one hidden layer, as
in the code.

Differs from the paper: 16 latents, batches of 64 and Adam(5e-4), where the code has 256, 512 and
1e-4.
"""

from dataclasses import replace

import torch
from torch.func import functional_call

from reference_models.engine.data import Batch, Data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import Exported, Recipe
from reference_models.gan import RECIPE as GAN
from reference_models.gan import MlpGenerator, mlp_game
from reference_models.parts.augment import AUGMENT
from reference_models.parts.objectives import OBJECTIVES
from reference_models.parts.stabilise import NOISE
from reference_models.parts.unconditional import Unconditional

Generator = MlpGenerator


class Nagarajan(Unconditional):
    """The game with D's gradient in the loss of G; it must be zero-sum."""

    def reads(self, player: str) -> bool:
        """Return True: both players use real samples."""
        return True

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the term of D, or the two terms of G."""
        terms = super().loss(player, batch, draw)
        if player == "D":
            return terms
        real = self.seen(batch["real"], draw, "real")
        fake = self.seen(self.sample(batch.size, draw), draw, "fake")
        return {**terms, "gradient_of_d": self.options["weight"] * self.gradient_of_d(real, fake)}

    def gradient_of_d(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """Return |dV / dtheta|^2, a scalar that is differentiable in G's parameters.

        A solver freezes D while G moves, so the gradient is taken for a copy of D's parameters.
        """
        copies = {
            name: one.detach().requires_grad_()
            for name, one in self.discriminator.named_parameters()
        }
        with torch.autocast(real.device.type, enabled=False):
            logits = [functional_call(self.discriminator, copies, (x,)) for x in (real, fake)]
            value = self.objective.discriminator(*logits)
            gradients = torch.autograd.grad(value, list(copies.values()), create_graph=True)
            return torch.stack([one.square().sum() for one in gradients]).sum()


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game with its first weights."""
    return mlp_game(recipe, data, randomness, OBJECTIVES["minimax"], Nagarajan)


RECIPE = replace(
    GAN,
    name="nagarajan",
    make_game=make_game,
    exported={"generator": Exported("reference_models.nagarajan:Generator")},
    game={"weight": 0.5, **AUGMENT, **NOISE},
    networks={
        "generator": GAN.networks["generator"],
        "discriminator": {"width": 128, "depth": 1},
    },
    presets={"points": {"optimizers.D.lr": 1e-3, "optimizers.G.lr": 1e-3}},
    variant="",
)
