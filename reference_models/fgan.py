"""f-GAN: a GAN for every f-divergence.

Nowozin, Cseke and Tomioka, "f-GAN: Training Generative Neural Samplers using Variational Divergence
Minimization", NeurIPS 2016. p is the density of the data, q the density of samples G(z). A convex f
with f(1) = 0 (up to a constant for "gan") defines the divergence

    D_f(p || q) = E_q f(p(x) / q(x))

The conjugate of f is f*(t) = sup_u (u t - f(u)). With it every function T gives a lower bound on
the divergence, and T = f'(p / q) gives the divergence itself (section "Variational estimation of
f-divergences"):

    D_f(p || q) >= E T(x) - E f*(T(G(z)))

What is special: the same network D works for every divergence (`game.divergence`). Its output D(x)
may be any number, but f* is finite only on its domain. So T(x) = g_f(D(x)), where the activation
g_f maps any number into the domain of f* (the paper's table of output activations). D makes the
bound large and G makes it small:

    D minimises   E f*(g_f(D(G(z)))) - E g_f(D(x))
    G minimises   -E f*(g_f(D(G(z))))            or -E g_f(D(G(z))), with `game.non_saturating`

With "gan" this is equation 1 of `gan.py`. The second loss of G is from "Practical considerations".

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
    """An f-divergence, as four functions of float tensors.

    Attributes:
        f: The convex function, for ratios u > 0.
        conjugate: f*, for t in its domain.
        activation: g_f, for any v.
        on_fake: f*(g_f(v)) as one formula, which overflows later than the two in turn.
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
    """Return the losses of both players, with either loss of G."""

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
        GanevalError: There is no divergence of that name.
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
