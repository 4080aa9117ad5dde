"""f-GAN: a GAN for every f-divergence.

Nowozin, Cseke and Tomioka, "f-GAN: Training Generative Neural Samplers using Variational Divergence
Minimization", NeurIPS 2016. For a convex f with f(1) = 0 (up to a constant for "gan"),

    D_f(p || q) = E_q f(p(x) / q(x))                                       (equation 2)

and with the conjugate f*(t) = sup_u (u t - f(u)) any function T bounds it from below (equation 4):

    D_f(p || q) >= E_x T(x) - E_z f*(T(G(z))),   tight at T = f'(p / q)

What is special: D's output v becomes T = g_f(v), where the activation g_f maps all numbers to those
for which f* is finite (equation 6 and table 2), so that one network serves every divergence
(`game.divergence`). D maximises the bound and G minimises it, or E -g_f(v) if
`game.non_saturating` (section 3.2). With f "gan" this is equation 1 of `gan.py`.

Differs from the paper: the networks of `gan.py` with Adam.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F

from reference_models.engine.data import Data, unknown
from reference_models.engine.game import Game
from reference_models.engine.recipe import Exported, Recipe
from reference_models.gan import RECIPE as GAN
from reference_models.gan import MlpGenerator, mlp_game
from reference_models.parts.augment import AUGMENT
from reference_models.parts.objectives import Logits, Objective
from reference_models.parts.stabilise import STABILISE

Generator = MlpGenerator

Map = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """An f-divergence; tables 1 and 2 of the paper. All are functions of float tensors.

    Attributes:
        f: The convex function, of ratios u > 0.
        conjugate: f*, of t in its domain.
        activation: g_f, of any v.
        on_fake: f*(g_f(v)), written so that it does not overflow before it must.
    """

    f: Map
    conjugate: Map
    activation: Map
    on_fake: Map


LOG_2 = math.log(2)

DIVERGENCES: Mapping[str, Divergence] = {
    "kl": Divergence(
        f=lambda u: u * u.log(),
        conjugate=lambda t: (t - 1).exp(),
        activation=lambda v: v,
        on_fake=lambda v: (v - 1).exp(),
    ),
    "reverse-kl": Divergence(
        f=lambda u: -u.log(),
        conjugate=lambda t: -1 - (-t).log(),
        activation=lambda v: -(-v).exp(),
        on_fake=lambda v: v - 1,
    ),
    "pearson": Divergence(
        f=lambda u: (u - 1).square(),
        conjugate=lambda t: t.square() / 4 + t,
        activation=lambda v: v,
        on_fake=lambda v: v.square() / 4 + v,
    ),
    "squared-hellinger": Divergence(
        f=lambda u: (u.sqrt() - 1).square(),
        conjugate=lambda t: t / (1 - t),
        activation=lambda v: -torch.expm1(-v),
        on_fake=torch.expm1,
    ),
    "jensen-shannon": Divergence(
        f=lambda u: u * u.log() - (u + 1) * ((u + 1) / 2).log(),
        conjugate=lambda t: -(2 - t.exp()).log(),
        activation=lambda v: LOG_2 - F.softplus(-v),
        on_fake=lambda v: F.softplus(v) - LOG_2,
    ),
    "gan": Divergence(
        f=lambda u: u * u.log() - (u + 1) * (u + 1).log(),
        conjugate=lambda t: -(1 - t.exp()).log(),
        activation=lambda v: -F.softplus(-v),
        on_fake=F.softplus,
    ),
}


def objective_for(divergence: Divergence, *, non_saturating: bool) -> Objective:
    """Return the losses of both players: equation 4, or section 3.2 for G."""

    def discriminator(real: Logits, fake: Logits) -> torch.Tensor:
        return divergence.on_fake(fake).mean() - divergence.activation(real).mean()

    def generator(real: Logits | None, fake: Logits) -> torch.Tensor:
        if non_saturating:
            return -divergence.activation(fake).mean()
        return -divergence.on_fake(fake).mean()

    return Objective(discriminator, generator)


def named_divergence(recipe: Recipe) -> str:
    """Return the name of the divergence that a recipe's game asks for.

    Raises:
        GanevalError: There is none of that name.
    """
    name: str = recipe.game["divergence"]
    if name not in DIVERGENCES:
        raise unknown("divergence", name, DIVERGENCES)
    return name


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game with its first weights."""
    objective = objective_for(
        DIVERGENCES[named_divergence(recipe)], non_saturating=recipe.game["non_saturating"]
    )
    return mlp_game(recipe, data, randomness, objective)


RECIPE = replace(
    GAN,
    name="f-gan",
    make_game=make_game,
    exported={"generator": Exported("reference_models.fgan:Generator")},
    game={"divergence": "jensen-shannon", "non_saturating": False, **AUGMENT, **STABILISE},
    variant="",
)
