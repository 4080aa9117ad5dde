"""Unrolled GAN: G looks several moves of D ahead.

Metz et al., "Unrolled Generative Adversarial Networks", ICLR 2017, equations 5 to 8. V is equation
1 of `gan.py`, as a function of the parameters of both networks:

    V(theta_G, theta_D) = E log D(x) + E log(1 - D(G(z)))

From theta_D^0 = theta_D, K steps of gradient ascent give the D that would respond to G:

    theta_D^(k+1) = theta_D^k + eta dV(theta_G, theta_D^k) / dtheta_D

    D minimises   -V(theta_G, theta_D)
    G minimises   V(theta_G, theta_D^K)

What is special: theta_D^K depends on theta_G, and G differentiates through these K steps. So G
takes into account how D will respond if it puts all samples on one mode. E log D(x) is part of the
loss of G for the same reason: its D is theta_D^K. D itself moves one ordinary step. The game is the
one of `gan.py` with the losses of equation 1; the solver is below. The settings have no penalties
on D, because the game must be zero-sum.

G is five times as fast as D (ten times in the paper's code). If D were far ahead of G, equation 1
would give G hardly any gradient.

Differs from the paper: the networks and rates of `gan.py` in place of recurrent or convolutional
ones with batch normalisation; the K steps are plain gradient steps, as in the paper's equations,
where its code has Adam.
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

    The last player minimises minus the loss of the first, at the parameters that the first will
    have. Its own loss is not used, so the game must be zero-sum. All terms of the first player
    count, also the term of real samples, which depends on the last player through the moves ahead.
    Without it the equilibrium would not be a fixed point.

    Attributes:
        num_steps: K; with 0 it is the same as `Simultaneous`.
        lr: Step size eta of the moves ahead.
    """

    num_steps: int
    lr: float

    def step(self, game: Game, optimizers: Mapping[str, Optimizer], feed: Feed, draw: Draw) -> Log:
        """Move both players at once; the last one follows its unrolled gradient."""
        batch = feed(True)
        first, last = game.players
        terms = game.terms(first, batch, draw)
        log = values(first, terms)
        of_first, of_last = game.parameters_of(first), game.parameters_of(last)
        first_gradients = torch.autograd.grad(total(terms), list(of_first.values()))
        ahead: dict[str, torch.Tensor] = dict(of_first)
        for _ in range(self.num_steps):
            loss = functional_call(game, ahead, (first, batch, draw))
            gradients = torch.autograd.grad(loss, list(ahead.values()), create_graph=True)
            ahead = {
                name: value - self.lr * gradient
                for (name, value), gradient in zip(ahead.items(), gradients, strict=True)
            }
        loss = -functional_call(game, ahead, (first, batch, draw))
        log |= values(last, {"unrolled": loss})
        last_gradients = torch.autograd.grad(loss, list(of_last.values()))
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
