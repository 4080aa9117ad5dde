"""Nagarajan and Kolter 2017: G also makes the gradient of D small.

Nagarajan and Kolter, "Gradient descent GAN optimization is locally stable", NeurIPS 2017, section
4. With equation 1's value V = E log D(x) + E log(1 - D(G(z))) of `gan.py`,

    D: -V            G: V + eta |dV / dtheta_D|^2

What is special: the term of G is the square norm of the gradient for D's parameters, so G looks one
move ahead: it avoids places that D would leave in a hurry. It is what one step of unrolling
(`unrolled.py`) gives G to first order. The real samples count, for they are half of that gradient.
eta = 0.5 and one hidden layer in D, as in the authors' code.

Differs from the paper: 16 latents, batches of 64 and Adam(5e-4), where the code has 256, 512 and
1e-4.
"""

from dataclasses import replace
from functools import partial

import torch
from torch import nn
from torch.func import functional_call

from reference_models.engine.data import Batch, Data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.recipe import Exported, Recipe
from reference_models.gan import RECIPE as GAN
from reference_models.gan import MlpGenerator, mlp_game
from reference_models.parts.augment import AUGMENT, Augment
from reference_models.parts.objectives import OBJECTIVES, Objective
from reference_models.parts.stabilise import NOISE, OFF, Stabiliser
from reference_models.parts.unconditional import Unconditional

Generator = MlpGenerator


class Nagarajan(Unconditional):
    """The game whose G has the gradient of D in its loss; the objective must have sum zero."""

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        objective: Objective,
        augment: Augment,
        stabiliser: Stabiliser = OFF,
        *,
        weight: float,
    ) -> None:
        """Take what `Unconditional` takes, and the weight of G's term, eta."""
        super().__init__(generator, discriminator, objective, augment, stabiliser)
        self.weight = weight

    def reads(self, player: str) -> bool:
        """Both look at real samples."""
        return True

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        """Return the term of D, or the two of G."""
        terms = super().loss(player, batch, draw)
        if player == "D":
            return terms
        real = self.seen(batch["real"], draw, "real")
        fake = self.seen(self.sample(batch.size, draw), draw, "fake")
        return {**terms, "gradient_of_d": self.weight * self.gradient_of_d(real, fake)}

    def gradient_of_d(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """Return |dV / dtheta_D|^2, a scalar, which G's parameters can be differentiated for.

        A solver freezes D while G moves, so the gradient is that of a copy of D's parameters.
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
    make = partial(Nagarajan, weight=recipe.game["weight"])
    return mlp_game(recipe, data, randomness, OBJECTIVES["minimax"], make)


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
