"""What the solvers have in common; test_dynamics.py has them on the Dirac-GAN."""

import itertools
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import nn

from reference_models.consensus import Consensus
from reference_models.engine.data import Batch
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.solvers import Alternating, Feed, NonFiniteError, Simultaneous, Solver
from reference_models.unrolled import Unrolled


class Quadratic(Game):
    """Two players with vectors and losses whose field is known."""

    players: Mapping[str, tuple[str, ...]] = {"D": ("first",), "G": ("second", "third")}

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        for name in ("first", "second", "third"):
            layer = nn.Linear(3, 1, bias=False, dtype=torch.float64)
            layer.weight.data = torch.randn(1, 3, generator=generator, dtype=torch.float64)
            setattr(self, name, layer)

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        x, y = self.first.weight, self.second.weight + 2 * self.third.weight
        if player == "D":
            return {"pull": (x * y).sum(), "weight": x.pow(4).sum() * batch["real"].sum()}
        return {"push": -(x * y).sum(), "weight": y.square().sum()}


def flat(game: Game) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in game.parameters()])


@pytest.mark.parametrize("steps", [1, 4])
def test_the_unrolled_gradient_is_that_of_finite_differences(steps: int) -> None:
    def unrolled_loss(game: Quadratic) -> float:
        copy = Quadratic()
        copy.load_state_dict(game.state_dict())
        for _ in range(steps):
            loss = copy("D", number(0.1), Draw(0, 0))
            (gradient,) = torch.autograd.grad(loss, [copy.first.weight])
            copy.first.weight.data -= 0.05 * gradient
        return -float(
            copy("D", number(0.1), Draw(0, 0)).detach()
        )  # all of f, as the game has sum zero

    game = Quadratic()
    expected = []
    for name in ("second", "third"):
        weight = game.get_submodule(name).weight
        for at in range(3):
            values = []
            for sign in (1, -1):
                weight.data[0, at] += sign * 1e-5
                values.append(unrolled_loss(game))
                weight.data[0, at] -= sign * 1e-5
            expected.append((values[0] - values[1]) / 2e-5)
    before = flat(game)
    optimizers = {
        player: torch.optim.SGD(game.parameters_of(player).values(), lr=1.0)
        for player in game.players
    }
    Unrolled(steps, 0.05).step(game, optimizers, lambda reads: number(0.1), Draw(0, 0))
    moved = (before - flat(game))[3:]
    np.testing.assert_allclose(moved.numpy(), expected, rtol=1e-7)


def recording_game() -> tuple[Game, list[tuple[str, object, int]]]:
    seen: list[tuple[str, object, int]] = []

    class Recording(Quadratic):
        def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
            seen.append((player, float(batch["real"]), draw.part))
            return super().loss(player, batch, draw)

    return Recording(), seen


def step_with(game: Game, solver: Solver, feed: Feed) -> dict[str, float]:
    optimizers = {
        player: torch.optim.SGD(game.parameters_of(player).values(), lr=0.01)
        for player in game.players
    }
    return solver.step(game, optimizers, feed, Draw(3, 5))


def test_alternating_gives_every_move_its_own_batch_and_draw() -> None:
    game, seen = recording_game()
    numbers = itertools.count()
    log = step_with(game, Alternating(3), lambda reads: number(next(numbers)))
    assert seen == [("D", 0.0, 0), ("D", 1.0, 1), ("D", 2.0, 2), ("G", 3.0, 3)]
    assert set(log) == {"D/pull", "D/weight", "G/push", "G/weight"}


def number(value: float) -> Batch:
    return Batch({"real": torch.tensor([value], dtype=torch.float64)})


def test_a_burst_is_many_moves_of_the_first_player() -> None:
    solver = Alternating(5, num_burst=100, burst_steps=25, burst_every=500)
    moves = [solver.first_moves(step) for step in range(1001)]
    # Arjovsky et al.'s code: `if gen_iterations < 25 or gen_iterations % 500 == 0: Diters = 100`
    assert moves == [100 if step < 25 or step % 500 == 0 else 5 for step in range(1001)]
    assert [Alternating().first_moves(step) for step in (0, 1, 500)] == [1, 1, 1]


def test_a_player_that_rests_does_not_move() -> None:
    game, seen = recording_game()
    for solver in (Alternating(2), Simultaneous()):
        game.resting = frozenset({"D"})
        log = step_with(game, solver, lambda reads: number(1.0))
        assert {player for player, _, _ in seen} == {"G"}
        assert set(log) == {"G/push", "G/weight"}


@pytest.mark.parametrize("solver", [Alternating(), Simultaneous(), Unrolled(1, 0.1), Consensus(1)])
def test_a_term_that_is_not_finite_is_named_before_anything_moves(solver: Solver) -> None:
    game = Quadratic()
    before = flat(game)
    with pytest.raises(NonFiniteError, match="term D/weight is nan"):
        step_with(game, solver, lambda _: number(float("nan")))
    assert torch.equal(flat(game), before)


def test_draws_depend_on_seed_step_move_and_purpose_alone() -> None:
    draw = Draw(1, 2, 3)
    assert torch.equal(draw.normal("z", 4), Draw(1, 2).move(3).normal("z", 4))
    others = [Draw(0, 2, 3), Draw(1, 1, 3), Draw(1, 2, 4)]
    values = [one.normal("z", 4) for one in (draw, *others)] + [draw.normal("noise", 4)]
    assert len({tuple(value.tolist()) for value in values}) == 5
    state = torch.get_rng_state()
    draw.uniform("mix", 10)
    assert torch.equal(torch.get_rng_state(), state)
