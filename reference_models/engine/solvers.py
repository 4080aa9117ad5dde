"""How the players move. No solver knows a paper's losses; no loss knows how it is minimised."""

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
"""Returns the next batch of the data; where a move reads none, a batch that has a size alone."""
Log = dict[str, float]
MAX_NORM = "max_norm"  # what an optimizer's group calls the largest norm of its gradient


class NonFiniteError(ArithmeticError):
    """A term of a loss became NaN or infinite; the message names it."""


class Solver(Protocol):
    """One step of training."""

    def step(self, game: Game, optimizers: Mapping[str, Optimizer], feed: Feed, draw: Draw) -> Log:
        """Move every player once (or as often as the solver says) and return the terms' values.

        Raises:
            NonFiniteError: A term is not finite; no parameter was changed by it.
        """


@dataclass(frozen=True, slots=True)
class Alternating:
    """One player after the other, each seeing what the one before has done.

    Goodfellow et al. 2014, algorithm 1: the first player (the discriminator) makes `num_first`
    moves on fresh batches, then every other player makes one.

    Attributes:
        num_first: Moves of the first player in a step.
        num_burst: Its moves in a step that is a burst, for a critic that must be near its optimum:
            the code of Arjovsky et al. 2017 has 100 in the first 25 steps and in one of 500 later.
        burst_steps: How many of the first steps are bursts.
        burst_every: One step of so many is a burst; 0: none but the first ones.
        accumulate: Parts in which a batch is taken, whose gradients are added up: as many pictures
            are in memory at once. BatchNorm normalises each part by its own statistics.
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
    """All players at once, each seeing the others as they were before the step.

    Attributes:
        accumulate: As of `Alternating`.
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
        player: Whose.
        batch: What its loss sees.
        draw: Its randomness.
        parts: How many parts of the batch are taken one after the other; both are means over them.
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
    """Let no other player's parameters ask for gradients within the block.

    So torch builds no graph of a generator while the discriminator moves, nor one of the
    discriminator's weights while the generator does.
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
    """Give a player's parameters, and no others, the gradients of the sum of its terms.

    A parameter without a part in the terms (of a stage that a growing network has not reached) gets
    none, so that its optimizer leaves it alone. Several processes exchange gradients in here.
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
    """Let a player step, and the game do what follows.

    Several processes have the mean gradient by then, so its norm is cut alike in all.
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
    """Return the terms as numbers, refusing what is not finite before anything moves.

    All in one copy from the device, which waits for it.
    """
    numbers = torch.stack([value.detach() for value in terms.values()]).tolist()
    log = {f"{player}/{name}": value for name, value in zip(terms, numbers, strict=True)}
    for name, value in log.items():
        if value != value or abs(value) == float("inf"):
            raise NonFiniteError(f"term {name} is {value}")
    return log
