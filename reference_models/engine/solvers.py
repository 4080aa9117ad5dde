"""How the players move. No solver knows a paper's losses; no loss knows how it is minimised."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch.func import functional_call
from torch.optim import Optimizer

from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms

Feed = Callable[[int], Any]
"""Returns the i-th batch of this step."""
Log = dict[str, float]


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
            terms = game.terms(player, batch, draw)
            log |= _values(player, terms)
            _backward(game, player, terms)
        for player in game.players:
            _advance(game, player, optimizers[player])
        return log


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

    @property
    def num_batches(self) -> int:
        """All moves see one batch."""
        return 1

    def step(self, game: Game, optimizers: Mapping[str, Optimizer], feed: Feed, draw: Draw) -> Log:
        """Move both players at once, the last along its unrolled gradient."""
        batch = feed(0)
        first, last = game.players
        terms = game.terms(first, batch, draw)
        log = _values(first, terms)
        ours, theirs = game.parameters_of(first), game.parameters_of(last)
        first_gradients = torch.autograd.grad(_total(terms), list(ours.values()))
        ahead: dict[str, torch.Tensor] = dict(ours)
        for _ in range(self.num_steps):
            loss = functional_call(game, ahead, (first, batch, draw))
            gradients = torch.autograd.grad(loss, list(ahead.values()), create_graph=True)
            ahead = {
                name: value - self.lr * gradient
                for (name, value), gradient in zip(ahead.items(), gradients, strict=True)
            }
        loss = -functional_call(game, ahead, (first, batch, draw))
        log |= _values(last, {"unrolled": loss})
        last_gradients = torch.autograd.grad(loss, list(theirs.values()))
        _apply(game, first, optimizers[first], first_gradients)
        _apply(game, last, optimizers[last], last_gradients)
        return log


@dataclass(frozen=True, slots=True)
class Consensus:
    """All players at once, along v + gamma grad |v|^2 / 2, where v are all their gradients.

    Mescheder et al. 2017, equation 10 (for losses that are minimised).
    """

    gamma: float

    @property
    def num_batches(self) -> int:
        """All players see one batch."""
        return 1

    def step(self, game: Game, optimizers: Mapping[str, Optimizer], feed: Feed, draw: Draw) -> Log:
        """Move all players in one joint update."""
        batch = feed(0)
        log: Log = {}
        parameters: list[torch.Tensor] = []
        field: list[torch.Tensor] = []
        for player in game.players:
            terms = game.terms(player, batch, draw)
            log |= _values(player, terms)
            own = list(game.parameters_of(player).values())
            field += torch.autograd.grad(_total(terms), own, create_graph=True)
            parameters += own
        energy = 0.5 * torch.stack([value.square().sum() for value in field]).sum()
        log |= _values("field", {"energy": energy})
        pulls = torch.autograd.grad(energy, parameters, allow_unused=True)
        moves = iter(
            value.detach() if pull is None else value.detach() + self.gamma * pull
            for value, pull in zip(field, pulls, strict=True)
        )
        for player in game.players:
            own_moves = [next(moves) for _ in game.parameters_of(player)]
            _apply(game, player, optimizers[player], own_moves)
        return log


def _move(game: Game, player: str, optimizer: Optimizer, batch: Any, draw: Draw) -> Log:
    """Let one player make one ordinary move."""
    terms = game.terms(player, batch, draw)
    log = _values(player, terms)
    _backward(game, player, terms)
    _advance(game, player, optimizer)
    return log


def _backward(game: Game, player: str, terms: Terms) -> None:
    """Give a player's parameters, and no others, the gradients of the sum of its terms.

    A parameter without a part in the terms (of a stage that a growing network has not reached) gets
    none, so that its optimizer leaves it alone. Several processes exchange gradients in here.
    """
    torch.autograd.backward(_total(terms), inputs=list(game.parameters_of(player).values()))


def _apply(
    game: Game, player: str, optimizer: Optimizer, gradients: Sequence[torch.Tensor]
) -> None:
    """Move a player along given gradients."""
    for parameter, gradient in zip(game.parameters_of(player).values(), gradients, strict=True):
        parameter.grad = gradient
    _advance(game, player, optimizer)


def _advance(game: Game, player: str, optimizer: Optimizer) -> None:
    """Let a player step, and the game keep its constraints."""
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    game.after_step(player)


def _total(terms: Terms) -> torch.Tensor:
    """Return the sum that a player minimises."""
    return torch.stack(list(terms.values())).sum()


def _values(player: str, terms: Terms) -> Log:
    """Return the terms as numbers, refusing what is not finite before anything moves."""
    log = {f"{player}/{name}": float(value.detach()) for name, value in terms.items()}
    for name, value in log.items():
        if value != value or abs(value) == float("inf"):
            raise NonFiniteError(f"term {name} is {value}")
    return log
