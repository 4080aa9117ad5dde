"""How the players move. No solver knows a paper's losses; no loss knows how it is minimised."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms

Feed = Callable[[int], Any]
"""Returns the i-th batch of this step."""
Log = dict[str, float]
MAX_NORM = "max_norm"  # what an optimizer's group calls the largest norm of its gradient


class NonFiniteError(ArithmeticError):
    """A term of a loss became NaN or infinite; the message names it."""


class Solver(Protocol):
    """One step of training."""

    @property
    def num_batches(self) -> int:
        """How many batches a step asks its feed for."""

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
    """

    num_first: int = 1

    @property
    def num_batches(self) -> int:
        """One for each move of the first player, and one for the others."""
        return self.num_first + 1

    def step(self, game: Game, optimizers: Mapping[str, Optimizer], feed: Feed, draw: Draw) -> Log:
        """Move the players in turn."""
        first, *others = game.players
        log: Log = {}
        for move in range(self.num_first):
            log |= _move(game, first, optimizers[first], feed(move), draw.move(move))
        for player in others:
            at = self.num_first
            log |= _move(game, player, optimizers[player], feed(at), draw.move(at))
        return log


@dataclass(frozen=True, slots=True)
class Simultaneous:
    """All players at once, each seeing the others as they were before the step."""

    @property
    def num_batches(self) -> int:
        """All players see one batch."""
        return 1

    def step(self, game: Game, optimizers: Mapping[str, Optimizer], feed: Feed, draw: Draw) -> Log:
        """Move all players along the gradients at the same point."""
        batch = feed(0)
        log: Log = {}
        for player in game.players:
            with _alone(game, player):
                terms = game.terms(player, batch, draw)
                log |= values(player, terms)
                backward(game, player, terms)
        for player in game.players:
            advance(game, player, optimizers[player])
        return log


def _move(game: Game, player: str, optimizer: Optimizer, batch: Any, draw: Draw) -> Log:
    """Let one player make one ordinary move."""
    with _alone(game, player):
        terms = game.terms(player, batch, draw)
        log = values(player, terms)
        backward(game, player, terms)
    advance(game, player, optimizer)
    return log


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
    game: Game, player: str, optimizer: Optimizer, gradients: Sequence[torch.Tensor]
) -> None:
    """Move a player along given gradients."""
    for parameter, gradient in zip(game.parameters_of(player).values(), gradients, strict=True):
        parameter.grad = gradient
    advance(game, player, optimizer)


def advance(game: Game, player: str, optimizer: Optimizer) -> None:
    """Let a player step, and the game keep its constraints.

    Several processes have the mean gradient by then, so its norm is cut alike in all.
    """
    max_norm = optimizer.param_groups[0].get(MAX_NORM, 0.0)
    if max_norm > 0:
        clip_grad_norm_(list(game.parameters_of(player).values()), max_norm)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    game.after_step(player)


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
