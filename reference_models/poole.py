"""Poole et al. 2016: D estimates the ratio of densities, and G minimises any f-divergence with it.

Poole, Alemi, Sohl-Dickstein and Angelova, "Improved generator objectives for GANs", NeurIPS 2016
workshop. p is the density of the data and q the density of the samples G(z). D is trained as in
`gan.py`. The logit of the best D is l(x) = log(p(x) / q(x)), so r(x) = e^l(x) estimates the ratio:

    D minimises   -E log D(x) - E log(1 - D(G(z)))
    G minimises   E [f(r) - r f'(r)]                   r = r(G(z)), D held fixed

What is special: the f of G need not be the f of D, and G minimises the divergence D_f(p || q) = E_q
f(p / q) itself, where f-GAN (`fgan.py`) minimises a lower bound. If r is exact, the gradient of G's
loss is the gradient of D_f, because

    d/dq [q f(p / q)] = f(p / q) - (p / q) f'(p / q)

The Kullback-Leibler divergence gives -E r, its reverse -E l + 1, and "gan" gives E log(1 - D),
which is equation 1 of `gan.py`. `game.divergence` names f as in `fgan.py`.

Differs from the paper: its text was not available, so the loss of G was derived here from its
abstract. A description from that time ("The GAN objective, from practice to theory and back again",
2016) says that the paper puts the estimated ratio into the divergence, so that G minimises E f(r).
With D held fixed, the gradients of both losses agree only for the reverse divergence, the default
here. The networks are the same as in `gan.py`.
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
