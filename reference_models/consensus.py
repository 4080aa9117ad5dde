"""Consensus optimisation: both players also make the gradients of both losses small.

Mescheder, Nowozin and Geiger, "The Numerics of GANs", NeurIPS 2017, equation 10. Each player has a
loss, and a gradient of it with respect to its own parameters. Let the vector v hold both gradients,
and w all parameters. Both players move at once, in a step of size h:

    w <- w - h (v + gamma grad_w |v|^2 / 2)

What is special: plain steps along v turn around an equilibrium, where v = 0, and may never reach
it. The second term moves w to where |v| is small, and so damps the rotation. The losses are those
of `gan.py`; only the solver differs.

Differs from the paper: the networks of `gan.py` with gamma = 1 and RMSProp(1e-3). The paper's deep
networks have gamma = 10 and RMSProp(1e-4). With these values the small networks here hardly learn
(docs/experiments.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch.optim import Optimizer

from reference_models.engine.draw import Draw
from reference_models.engine.game import Game
from reference_models.engine.recipe import Exported, OptimizerSpec
from reference_models.engine.solvers import Feed, Log, apply_gradients, total, values
from reference_models.gan import RECIPE as GAN
from reference_models.gan import MlpGenerator

Generator = MlpGenerator


@dataclass(frozen=True, slots=True)
class Consensus:
    """Moves all players at once along v + gamma grad |v|^2 / 2, where v holds all gradients."""

    gamma: float

    def step(self, game: Game, optimizers: Mapping[str, Optimizer], feed: Feed, draw: Draw) -> Log:
        """Move all players in one joint update."""
        batch = feed(True)
        log: Log = {}
        parameters: list[torch.Tensor] = []
        field: list[torch.Tensor] = []
        for player in game.players:
            terms = game.terms(player, batch, draw)
            log |= values(player, terms)
            own = list(game.parameters_of(player).values())
            field += torch.autograd.grad(total(terms), own, create_graph=True)
            parameters += own
        energy = 0.5 * torch.stack([value.square().sum() for value in field]).sum()
        log |= values("field", {"energy": energy})
        pulls = torch.autograd.grad(energy, parameters, allow_unused=True)
        moves = iter(
            value.detach() if pull is None else value.detach() + self.gamma * pull
            for value, pull in zip(field, pulls, strict=True)
        )
        for player in game.players:
            own_moves = [next(moves) for _ in game.parameters_of(player)]
            apply_gradients(game, player, optimizers[player], own_moves, batch, draw)
        return log


RECIPE = replace(
    GAN,
    name="consensus",
    variant="",
    exported={"generator": Exported("reference_models.consensus:Generator")},
    solver=Consensus(gamma=1.0),
    optimizers={player: OptimizerSpec(name="rmsprop", lr=1e-3) for player in ("D", "G")},
)
