"""bfloat16 where it is harmless, float32 where it is not."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

import ganeval
from reference_models import MODELS, gan, wgan_gp
from reference_models.consensus import Consensus
from reference_models.engine.data import Batch, Data, open_data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game
from reference_models.engine.precision import resolve_precision, use_precision
from reference_models.engine.recipe import Recipe
from reference_models.engine.session import find_recipe
from reference_models.engine.solvers import Alternating, Simultaneous, Solver
from reference_models.engine.train import begin, one_step, train
from reference_models.parts.penalties import gradient_penalty, r1_penalty
from reference_models.unrolled import Unrolled
from tests.reference_models.made import data_of

CPU = torch.device("cpu")
SHAPE = (1, 16, 16)
BATCH = Batch({"real": torch.randn(6, *SHAPE, generator=torch.Generator().manual_seed(1)).tanh()})
DRAW = Draw(0, 0)


@pytest.fixture(scope="module")
def digits() -> Data:
    return open_data("digits")


def game_of(recipe: Recipe, precision: str) -> Game:
    game = recipe.build(data_of(SHAPE), torch.Generator().manual_seed(0))
    use_precision(game, precision)
    return game


def test_layers_run_in_bfloat16_and_networks_return_float32() -> None:
    game, plain = (game_of(gan.RECIPE, precision) for precision in ("bfloat16", "float32"))
    seen: list[torch.dtype] = []
    for module in game.modules():
        if isinstance(module, nn.Linear):
            module.register_forward_hook(lambda _, inputs, output: seen.append(output.dtype))
    terms, expected = (one.terms("D", BATCH, DRAW) for one in (game, plain))
    assert set(seen) == {torch.bfloat16}
    assert terms["adversarial"].dtype == torch.float32
    assert terms["adversarial"] != expected["adversarial"]
    torch.testing.assert_close(terms, expected, rtol=1e-2, atol=0)
    assert not torch.is_autocast_enabled("cpu")


def test_the_penalty_is_that_of_the_float32_critic() -> None:
    game, plain = (game_of(wgan_gp.RECIPE, precision) for precision in ("bfloat16", "float32"))
    assert isinstance(game, wgan_gp.WassersteinGanGp)
    terms = game.terms("D", BATCH, DRAW)
    with torch.autocast("cpu", torch.bfloat16):
        fake = game.sample(6, DRAW).detach()
    assert fake.dtype == torch.float32
    critic = plain.get_submodule("discriminator")
    expected = gradient_penalty(critic, BATCH["real"], fake, DRAW.uniform("mix", 6))
    assert torch.equal(terms["gradient_penalty"], game.options["penalty_weight"] * expected)
    with torch.autocast("cpu", torch.bfloat16):
        r1 = r1_penalty(game.get_submodule("discriminator"), BATCH["real"])
    assert torch.equal(r1, r1_penalty(critic, BATCH["real"]))


@pytest.mark.parametrize(
    "solver", [Alternating(), Simultaneous(), Unrolled(2, 1e-2), Consensus(1.0)], ids=str
)
def test_every_solver_steps_in_bfloat16(solver: Solver, digits: Data) -> None:
    runs = []
    for precision in ("bfloat16", "float32"):
        run = begin(gan.RECIPE, digits, seed=0, device=CPU, precision=precision)
        for step in range(3):
            log = solver.step(
                run.game,
                run.optimizers,
                lambda part, step=step: digits.batch(0, 8 * (2 * step + part), 8),
                Draw(0, step),
            )
            assert all(math.isfinite(value) for value in log.values())
        runs.append(run)
    low, full = (run.game.state_dict() for run in runs)
    assert all(value.dtype == torch.float32 for value in low.values())
    assert any(not torch.equal(value, full[name]) for name, value in low.items())
    moments = [
        value for state in runs[0].optimizers["D"].state.values() for value in state.values()
    ]
    assert all(value.dtype == torch.float32 for value in moments)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_system_trains_in_bfloat16(name: str) -> None:
    recipe = replace(find_recipe(name), batch_size=8)
    data = open_data(recipe.data)
    run = begin(recipe, data, seed=0, device=CPU, precision="bfloat16")
    log = one_step(run, recipe, data, seed=0, device=CPU)
    assert all(math.isfinite(value) for value in log.values())
    for network in (run.game, run.average):
        assert all(parameter.dtype == torch.float32 for parameter in network.parameters())
        assert all(bool(value.isfinite().all()) for value in network.state_dict().values())


def test_precision_is_part_of_the_configuration(digits: Data, tmp_path: Path) -> None:
    train(gan.RECIPE, digits, tmp_path, steps=1)
    with pytest.raises(ganeval.GanevalError, match="precision was float32, now it is bfloat16"):
        train(gan.RECIPE, digits, tmp_path, steps=2, resume=True, precision="bfloat16")


def test_auto_is_bfloat16_on_cuda_alone() -> None:
    found = {kind: resolve_precision("auto", torch.device(kind)) for kind in ("cpu", "cuda", "mps")}
    assert found == {"cpu": "float32", "cuda": "bfloat16", "mps": "float32"}
    assert resolve_precision("float32", torch.device("cuda")) == "float32"
