"""Solvers: they move the players. Solvers do not depend on the losses, nor losses on solvers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms

Feed = Callable[[bool], Batch]
"""Function that returns the next batch if its argument is true, and otherwise a batch with only a
size, for a move that uses no data."""
Log = dict[str, float]
MAX_NORM = "max_norm"  # key of the limit of the gradient norm in an optimizer's group


class NonFiniteError(ArithmeticError):
    """A term of a loss became NaN or infinite; the message names it."""


class Solver(Protocol):
    """Makes the steps of a training."""

    def step(self, game: Game, optimizers: Mapping[str, Optimizer], feed: Feed, draw: Draw) -> Log:
        """Move every player as often as the solver says, and return the terms' values.

        Raises:
            NonFiniteError: A term is not finite; it did not change any parameter.
        """


@dataclass(frozen=True, slots=True)
class Alternating:
    """One player after the other; each one sees the moves before its own.

    Goodfellow et al. 2014, algorithm 1: the first player (the discriminator) makes `num_first`
    moves on fresh batches, then every other player makes one.

    Attributes:
        num_first: Number of moves of the first player in a step.
        num_burst: Number of its moves in a burst step, for a critic that must be near its optimum.
            The code of Arjovsky et al. 2017 has 100 moves in each of the first 25 steps, and later
            in every 500th step.
        burst_steps: Number of burst steps at the start.
        burst_every: Steps from one later burst to the next; 0 for bursts at the start only.
        accumulate: Number of parts into which a batch is divided. Their gradients are added up, so
            that only one part is in memory at a time. BatchNorm normalises each part by its own
            statistics.
    """

    num_first: int = 1
    num_burst: int = 100
    burst_steps: int = 0
    burst_every: int = 0
    accumulate: int = 1

    def first_moves(self, step: int) -> int:
        """Return the number of moves of the first player in step number `step`, from 0."""
        periodic = self.burst_every > 0 and step > 0 and step % self.burst_every == 0
        return self.num_burst if step < self.burst_steps or periodic else self.num_first

    def step(self, game: Game, optimizers: Mapping[str, Optimizer], feed: Feed, draw: Draw) -> Log:
        """Move the players in turn."""
        log: Log = {}
        number = 0
        for place, player in enumerate(game.players):
            if player in game.resting:
                continue
            for _ in range(1 if place else self.first_moves(draw.step)):
                batch, own = feed(game.reads(player)), draw.move(number)
                log |= gradients(game, player, batch, own, self.accumulate)
                advance(game, player, optimizers[player], batch, own)
                number += 1
        return log


@dataclass(frozen=True, slots=True)
class Simultaneous:
    """All players at once; each one sees the others as they were before the step.

    Attributes:
        accumulate: As in `Alternating`.
    """

    accumulate: int = 1

    def step(self, game: Game, optimizers: Mapping[str, Optimizer], feed: Feed, draw: Draw) -> Log:
        """Move all players along the gradients at the same point."""
        batch = feed(True)
        log: Log = {}
        moving = [player for player in game.players if player not in game.resting]
        for player in moving:
            log |= gradients(game, player, batch, draw, self.accumulate)
        for player in moving:
            advance(game, player, optimizers[player], batch, draw)
        return log


def gradients(game: Game, player: str, batch: Batch, draw: Draw, parts: int) -> Log:
    """Give a player's parameters the gradients of its terms, and return the terms' values.

    Args:
        game: The game.
        player: The player that moves.
        batch: The batch for its loss.
        draw: The random numbers of the move.
        parts: Number of parts of the batch, which are computed one after the other; gradients and
            terms are means over them.
    """
    logs = []
    with _alone(game, player):
        for number in range(parts):
            terms = game.terms(player, batch.part(number, parts), draw.share(number, parts))
            logs.append(values(player, terms))
            backward(game, player, {name: term / parts for name, term in terms.items()})
    return {name: sum(log[name] for log in logs) / parts for name in logs[0]}


@contextmanager
def _alone(game: Game, player: str) -> Iterator[None]:
    """Within the block, let the parameters of the other players require no gradients.

    So torch builds no graph for the generator while the discriminator moves, and no graph for the
    discriminator's weights while the generator moves.
    """
    own = {id(parameter) for parameter in game.parameters_of(player).values()}
    others = [one for one in game.parameters() if one.requires_grad and id(one) not in own]
    for parameter in others:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in others:
            parameter.requires_grad_(True)


def backward(game: Game, player: str, terms: Terms) -> None:
    """Give only a player's parameters the gradients of the sum of its terms.

    A parameter that the terms do not use (in a level that a growing network has not reached) gets
    no gradient, so the optimizer does not change it. Several processes exchange gradients here.
    """
    torch.autograd.backward(total(terms), inputs=list(game.parameters_of(player).values()))


def apply_gradients(
    game: Game,
    player: str,
    optimizer: Optimizer,
    moves: Sequence[torch.Tensor],
    batch: Batch,
    draw: Draw,
) -> None:
    """Move a player along given gradients."""
    for parameter, gradient in zip(game.parameters_of(player).values(), moves, strict=True):
        parameter.grad = gradient
    advance(game, player, optimizer, batch, draw)


def advance(game: Game, player: str, optimizer: Optimizer, batch: Batch, draw: Draw) -> None:
    """Make a player's optimizer step, and call the game's `after_step`.

    With several processes each one has the mean gradient already, so all limit its norm in the same
    way.
    """
    max_norm = optimizer.param_groups[0].get(MAX_NORM, 0.0)
    if max_norm > 0:
        clip_grad_norm_(list(game.parameters_of(player).values()), max_norm)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    game.after_step(player, batch, draw)


def total(terms: Terms) -> torch.Tensor:
    """Return the sum that a player minimises."""
    return torch.stack(list(terms.values())).sum()


def values(player: str, terms: Terms) -> Log:
    """Return the terms as numbers; raise NonFiniteError if one is not finite.

    All are copied from the device together, to wait for it only once.
    """
    numbers = torch.stack([value.detach() for value in terms.values()]).tolist()
    log = {f"{player}/{name}": value for name, value in zip(terms, numbers, strict=True)}
    for name, value in log.items():
        if value != value or abs(value) == float("inf"):
            raise NonFiniteError(f"term {name} is {value}")
    return log
