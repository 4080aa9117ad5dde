"""Poole et al. 2016: D estimates a ratio of densities, G minimises any divergence made of it.

Poole, Alemi, Sohl-Dickstein and Angelova, "Improved generator objectives for GANs", NeurIPS 2016
workshop. D is that of `gan.py`, whose logit at its best is the log ratio l(x) = log p(x) / q(x).
What is special: the f of G is not that of D. With r = e^l held fixed, G minimises

    E_z [f(r) - r f'(r)] = -E_z f*(f'(r))       at x = G(z)

whose gradient is that of D_f(p || q) = E_q f(p / q) where r is exact, and which is no bound of it:

    d/dq [q f(p / q)] = f(p / q) - (p / q) f'(p / q)

So the Kullback-Leibler divergence gives -E r, its reverse -E l, "gan" E log(1 - D), which is
equation 1 of `gan.py`. `game.divergence` names f as in `fgan.py`.

Differs from the paper: the formula above is derived here from what its abstract states (the ratio
is estimated, then a divergence is minimised without a bound); the networks of `gan.py`.
"""

from collections.abc import Mapping
from dataclasses import replace

import torch
import torch.nn.functional as F

from reference_models.engine.data import Data
from reference_models.engine.game import Game
from reference_models.engine.recipe import Exported, Recipe
from reference_models.fgan import LOG_2, Map, named_divergence
from reference_models.gan import RECIPE as GAN
from reference_models.gan import MlpGenerator, mlp_game
from reference_models.parts.augment import AUGMENT
from reference_models.parts.objectives import Logits, Objective, logistic_discriminator
from reference_models.parts.stabilise import STABILISE

Generator = MlpGenerator

OF_LOG_RATIO: Mapping[str, Map] = {
    "kl": lambda v: -v.exp(),
    "reverse-kl": lambda v: 1 - v,
    "pearson": lambda v: -torch.expm1(2 * v),
    "squared-hellinger": lambda v: -torch.expm1(v / 2),
    "jensen-shannon": lambda v: LOG_2 - F.softplus(v),
    "gan": lambda v: -F.softplus(v),
}
"""f(r) - r f'(r) as a function of the log ratio, for each f of `fgan.py`."""


def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
    """Return the game with its first weights."""
    of_log_ratio = OF_LOG_RATIO[named_divergence(recipe)]

    def generator(real: Logits | None, fake: Logits) -> torch.Tensor:
        return of_log_ratio(fake).mean()

    return mlp_game(recipe, data, randomness, Objective(logistic_discriminator, generator))


RECIPE = replace(
    GAN,
    name="poole",
    make_game=make_game,
    exported={"generator": Exported("reference_models.poole:Generator")},
    game={"divergence": "reverse-kl", **AUGMENT, **STABILISE},
    variant="",
)
