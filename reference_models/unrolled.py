"""Unrolled GAN: the generator looks several moves of the discriminator ahead.

Metz et al., "Unrolled Generative Adversarial Networks", ICLR 2017, equations 5 to 8: G minimises
equation 1's value f (E log D(x) and E log(1 - D(G(z))), both) against the discriminator that K
steps of gradient descent would make of D,

    theta_D^(k+1) = theta_D^k - eta dL_D(theta_G, theta_D^k) / dtheta_D

and differentiates through these steps, so it sees that crowding one mode will be answered. The game
is that of `gan.py` with equation 1's losses; solver and learning rates differ. G is five times as
fast as D (ten times in the paper's own code), for where D runs ahead, equation 1 leaves G no
gradient. D has no penalties among the settings: the game must have sum zero.

Differs from the paper: the networks and rates of `gan.py` in place of recurrent or convolutional
ones with batch normalisation; the moves that are looked at are plain gradient steps, which is how
the paper states them, where its code has Adam.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch.func import functional_call
from torch.optim import Optimizer

from reference_models.engine.draw import Draw
from reference_models.engine.game import Game
from reference_models.engine.recipe import Exported, OptimizerSpec
from reference_models.engine.solvers import Feed, Log, apply_gradients, total, values
from reference_models.gan import RECIPE as GAN
from reference_models.gan import MlpGenerator
from reference_models.parts.augment import AUGMENT
from reference_models.parts.labels import LABELS
from reference_models.parts.stabilise import NOISE

Generator = MlpGenerator


@dataclass(frozen=True, slots=True)
class Unrolled:
    """The last player looks `num_steps` moves of the first ahead and differentiates through them.

    Metz et al. 2017, equations 5 to 8: the generator minimises the game's whole value at theta_D^K,

        f_K(theta_G, theta_D) = f(theta_G, theta_D^K),  f = E log D(x) + E log(1 - D(G(z))) = -L_D,

    where theta_D^(k+1) = theta_D^k - lr dL_D / dtheta_D. What is real counts too: theta_D^K depends
    on theta_G, so E log D(x) does; without it the equilibrium is no fixed point. The generator's
    loss here is therefore minus the first player's, and its own is not asked for: the game must
    have sum zero. The discriminator itself moves one ordinary step, from where it is.

    Attributes:
        num_steps: K; 0 is `Simultaneous`.
        lr: Step size of the moves that are only looked at.
    """

    num_steps: int
    lr: float

    def step(self, game: Game, optimizers: Mapping[str, Optimizer], feed: Feed, draw: Draw) -> Log:
        """Move both players at once, the last along its unrolled gradient."""
        batch = feed(True)
        first, last = game.players
        terms = game.terms(first, batch, draw)
        log = values(first, terms)
        ours, theirs = game.parameters_of(first), game.parameters_of(last)
        first_gradients = torch.autograd.grad(total(terms), list(ours.values()))
        ahead: dict[str, torch.Tensor] = dict(ours)
        for _ in range(self.num_steps):
            loss = functional_call(game, ahead, (first, batch, draw))
            gradients = torch.autograd.grad(loss, list(ahead.values()), create_graph=True)
            ahead = {
                name: value - self.lr * gradient
                for (name, value), gradient in zip(ahead.items(), gradients, strict=True)
            }
        loss = -functional_call(game, ahead, (first, batch, draw))
        log |= values(last, {"unrolled": loss})
        last_gradients = torch.autograd.grad(loss, list(theirs.values()))
        apply_gradients(game, first, optimizers[first], first_gradients, batch, draw)
        apply_gradients(game, last, optimizers[last], last_gradients, batch, draw)
        return log


RECIPE = replace(
    GAN,
    name="unrolled",
    variant="",
    exported={"generator": Exported("reference_models.unrolled:Generator")},
    game={"objective": "minimax", **LABELS, **AUGMENT, **NOISE},
    solver=Unrolled(num_steps=5, lr=3e-2),
    optimizers={"D": OptimizerSpec(lr=2e-4), "G": OptimizerSpec(lr=1e-3)},
    presets={"points": {"optimizers.D.lr": 5e-4, "optimizers.G.lr": 2e-3}},
)
