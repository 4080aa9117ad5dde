"""Every system of the table: the loop's contract, above all that a resumed run is the same run."""

import functools
import importlib
import json
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import ganeval
from reference_models import MODELS, gan
from reference_models.engine import ema
from reference_models.engine.curve import curve
from reference_models.engine.data import Data, open_data
from reference_models.engine.files import RunFiles
from reference_models.engine.game import Game
from reference_models.engine.inputs import inputs_of
from reference_models.engine.kinds import Scoring
from reference_models.engine.recipe import Recipe
from reference_models.engine.session import Watch, run_training
from reference_models.engine.settings import with_settings
from reference_models.engine.state import save_state
from reference_models.engine.train import Run, begin, train
from reference_models.gan import MlpDiscriminator
from reference_models.parts.augment import augment_of
from reference_models.parts.objectives import OBJECTIVES
from reference_models.parts.unconditional import Unconditional

CPU = torch.device("cpu")


def recipe_of(name: str) -> Recipe:
    module, _, attribute = MODELS[name].partition(":")
    recipe: Recipe = getattr(importlib.import_module(module), attribute)
    return replace(recipe, batch_size=8)


@pytest.fixture(scope="module")
def digits() -> Data:
    return open_data("digits")


@functools.cache
def data_of(name: str) -> Data:
    return open_data(recipe_of(name).data)


def same(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    return first.keys() == second.keys() and all(
        torch.equal(value, second[name]) for name, value in first.items()
    )


EVERY = pytest.mark.parametrize("name", sorted(MODELS))


@EVERY
def test_a_resumed_run_is_the_same_run(name: str, tmp_path: Path) -> None:
    recipe, data = recipe_of(name), data_of(name)
    scoring = Scoring(every=10, extractor="random", num_images=8)

    def train_to(steps: int, folder: Path, *, resume: bool = False) -> Run:
        files = RunFiles(folder, resume=resume)
        with curve(scoring, recipe, data, files, last=steps, seed=3, device=CPU) as observe:
            return train(
                *(recipe, data, folder),
                steps=steps,
                seed=3,
                resume=resume,
                observers=[observe],
                files=files,
            )

    whole = train_to(20, tmp_path / "whole")
    train_to(10, tmp_path / "parts")
    parts = train_to(20, tmp_path / "parts", resume=True)
    assert same(whole.game.state_dict(), parts.game.state_dict())
    assert same(whole.average.state_dict(), parts.average.state_dict())
    for file, steps in (("metrics.jsonl", range(1, 21)), ("curve.jsonl", range(10, 21, 10))):
        texts = [(tmp_path / folder / file).read_text() for folder in ("whole", "parts")]
        assert texts[0] == texts[1]
        assert [json.loads(line)["step"] for line in texts[0].splitlines()] == list(steps)


@EVERY
def test_the_seed_is_everything(name: str) -> None:
    recipe = recipe_of(name)
    first, again, other = (
        begin(recipe, data_of(name), seed=seed, device=CPU).game.state_dict() for seed in (0, 0, 1)
    )
    assert same(first, again)
    assert not same(first, other)


@EVERY
def test_every_player_moves_unless_it_rests_and_only_its_own_networks(
    name: str, tmp_path: Path
) -> None:
    recipe, data = recipe_of(name), data_of(name)
    before = begin(recipe, data, seed=0, device=CPU).game.state_dict()
    run = train(recipe, data, tmp_path, steps=1)
    for player in run.game.players.keys() - run.game.resting:
        parameters = run.game.parameters_of(player)
        assert any(not torch.equal(value, before[key]) for key, value in parameters.items())
    owned = [key for player in run.game.players for key in run.game.parameters_of(player)]
    assert sorted(owned) == sorted(key for key, _ in run.game.named_parameters())


@EVERY
def test_the_generator_of_the_card_is_that_of_the_game(name: str) -> None:
    recipe, data = recipe_of(name), data_of(name)
    module, _, attribute = recipe.exported["generator"].entry.partition(":")
    build = getattr(importlib.import_module(module), attribute)
    generator = build(**json.loads(json.dumps(recipe.generator_options(data.shape)))).eval()
    game = begin(recipe, data, seed=0, device=CPU).game
    generator.load_state_dict(game.get_submodule("generator").state_dict())
    images = generator(*inputs_of(generator, recipe, data, 2, seed=0))
    assert images.shape == (2, *data.shape)
    assert images.abs().max() <= 1


@EVERY
def test_it_says_what_it_is(name: str) -> None:
    module = importlib.import_module(MODELS[name].partition(":")[0])
    text = module.__doc__ or ""
    assert any(str(year) in text for year in range(2014, 2027)), "the paper's year"
    assert "equation" in text or "section" in text
    assert recipe_of(name).name == name


def test_a_changed_configuration_is_refused_with_the_difference(
    digits: Data, tmp_path: Path
) -> None:
    recipe = recipe_of("gan")
    train(recipe, digits, tmp_path, steps=1)

    def refused(recipe: Recipe, seed: int = 0) -> ganeval.GanevalError:
        with pytest.raises(ganeval.GanevalError) as error:
            train(recipe, digits, tmp_path, steps=2, seed=seed, resume=True)
        return error.value

    found = refused(replace(recipe, batch_size=9), seed=1).found
    assert found.endswith("state.pt: batch_size was 8, now it is 9, seed was 0, now it is 1")
    slower = {**recipe.optimizers, "G": replace(recipe.optimizers["G"], lr=1e-4)}
    found = refused(replace(recipe, optimizers=slower)).found
    assert found.endswith("state.pt: optimizers.G.lr was 0.0005, now it is 0.0001")
    with pytest.raises(ganeval.GanevalError, match="holds a run already"):
        train(recipe, digits, tmp_path, steps=2)
    with pytest.raises(ganeval.GanevalError, match="no such file"):
        train(recipe, digits, tmp_path / "absent", steps=2, resume=True)


def test_another_network_is_refused_in_a_line(digits: Data, tmp_path: Path) -> None:
    recipe = recipe_of("gan")

    def wider(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
        discriminator = MlpDiscriminator(shape=data.shape, width=64)
        return Unconditional(
            gan.make_game(recipe, data, randomness).get_submodule("generator"),
            discriminator,
            OBJECTIVES["non-saturating"],
            augment_of(recipe, data),
        )

    train(recipe, digits, tmp_path, steps=1)
    with pytest.raises(ganeval.GanevalError) as error:
        train(replace(recipe, make_game=wider), digits, tmp_path, steps=2, resume=True)
    assert error.value.details == ()
    linear = "Linear(in_features={}, out_features={}, bias=True)".format
    assert error.value.found == (
        f"{tmp_path}/state.pt: the networks differ: discriminator.layers.1 was "
        f"{linear(256, 128)}, now it is {linear(256, 64)} (and 2 more layers)"
    )
    with pytest.raises(ganeval.GanevalError, match=r"state\.pt: seed was 0, now it is 1; .*--out"):
        train(replace(recipe, make_game=wider), digits, tmp_path, steps=2, seed=1, resume=True)


def test_a_penalty_of_another_weight_is_another_game(digits: Data, tmp_path: Path) -> None:
    recipe = recipe_of("wgan-gp")
    heavier = with_settings(recipe, {"game.penalty_weight": 20})
    train(recipe, digits, tmp_path, steps=1)
    with pytest.raises(ganeval.GanevalError, match=r"game.penalty_weight was 10.0, now it is 20.0"):
        train(heavier, digits, tmp_path, steps=2, resume=True)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x04}.", b"half"])
def test_a_damaged_state_is_refused(content: bytes, digits: Data, tmp_path: Path) -> None:
    recipe = recipe_of("gan")
    train(recipe, digits, tmp_path, steps=1)
    state = tmp_path / "state.pt"
    state.write_bytes(content if content != b"half" else state.read_bytes()[:5000])
    with pytest.raises(ganeval.GanevalError, match="damaged"):
        train(recipe, digits, tmp_path, steps=2, resume=True)


@pytest.mark.parametrize("part", ["name", "number", "tensor"])
def test_a_state_with_one_changed_byte_is_refused(part: str, digits: Data, tmp_path: Path) -> None:
    recipe = recipe_of("gan")
    run = train(recipe, digits, tmp_path, steps=1)
    state = tmp_path / "state.pt"
    weights = next(run.game.parameters()).detach().numpy().tobytes()
    old, new = {
        "name": (b"discriminator.", b"discriminator\x03"),
        "number": (b"step", b"stop"),
        "tensor": (weights, weights[:9] + bytes([weights[9] ^ 1]) + weights[10:]),
    }[part]
    content = state.read_bytes()
    assert old in content
    state.write_bytes(content.replace(old, new, 1))
    with pytest.raises(ganeval.GanevalError, match="damaged"):
        train(recipe, digits, tmp_path, steps=2, resume=True)


def test_a_whole_state_of_other_tensors_is_refused(digits: Data, tmp_path: Path) -> None:
    recipe = recipe_of("gan")
    train(recipe, digits, tmp_path, steps=1)
    state = tmp_path / "state.pt"
    saved = torch.load(state, weights_only=True)
    for change in (
        {"game": {}},
        {"averages": 1},
        {"position": None},
        {"optimizers": {}},
        {"step": None},
    ):
        torch.save({**saved, **change}, state)
        with pytest.raises(ganeval.GanevalError, match="damaged"):
            train(recipe, digits, tmp_path, steps=2, resume=True)


def test_another_machine_is_a_warning(
    digits: Data, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recipe = recipe_of("gan")
    train(recipe, digits, tmp_path, steps=1)
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    save_state(tmp_path / "state.pt", {**state, "machine": "cuda with torch 2.9.0"})
    train(recipe, digits, tmp_path, steps=2, resume=True)
    assert "trained on cuda with torch 2.9.0 and continues on cpu with torch" in caplog.text


def test_a_term_that_is_not_finite_stops_and_keeps_the_state_before(
    digits: Data, tmp_path: Path
) -> None:
    recipe = recipe_of("wgan")
    wild = {name: replace(spec, name="sgd", lr=1e38) for name, spec in recipe.optimizers.items()}
    with pytest.raises(ganeval.GanevalError, match=r"step \d+: term ./adversarial is"):
        train(replace(recipe, optimizers=wild), digits, tmp_path, steps=20)
    assert torch.load(tmp_path / "state.pt", weights_only=True)["step"] >= 0


def test_an_interrupt_keeps_the_state(digits: Data, tmp_path: Path) -> None:
    def stop(run: Run, log: dict[str, float]) -> None:
        if run.step == 2:
            raise KeyboardInterrupt

    recipe = recipe_of("gan")
    with pytest.raises(KeyboardInterrupt):
        train(recipe, digits, tmp_path / "cut", steps=5, observers=[stop])
    assert torch.load(tmp_path / "cut" / "state.pt", weights_only=True)["step"] == 2
    cut = train(recipe, digits, tmp_path / "cut", steps=5, resume=True)
    whole = train(recipe, digits, tmp_path / "whole", steps=5)
    assert same(whole.game.state_dict(), cut.game.state_dict())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_within_a_step_waits_for_its_end(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that no step is lost, and there is a checkpoint before the first save_every steps."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # as the command does
    update, calls = ema.update, []

    def interrupted(*arguments: Any, **options: Any) -> None:
        calls.append(1)
        for _ in range({3: 1, 7: 2}.get(len(calls), 0)):
            signal.raise_signal(number)
        update(*arguments, **options)

    monkeypatch.setattr(ema, "update", interrupted)
    watch = Watch(grid_every=0, collapse=False, board=False)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_training("gan", folder=tmp_path, steps=20, watch=watch)
        assert ganeval.read_card(tmp_path / "gan.safetensors").step == 3
        # A second one waits for nothing.
        with pytest.raises(KeyboardInterrupt):
            run_training("gan", folder=tmp_path, steps=20, resume=True, watch=watch)
        assert torch.load(tmp_path / "state.pt", weights_only=True)["step"] == 3
        assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_interrupt_within_a_step_saves_no_half_of_it(
    digits: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipe_of("gan")
    whole = train(recipe, digits, tmp_path / "whole", steps=5)
    update, calls = ema.update, []

    def cut(*arguments: Any, **options: Any) -> None:
        calls.append(1)
        if len(calls) == 4:  # both players have moved, the average has not
            raise KeyboardInterrupt
        update(*arguments, **options)

    monkeypatch.setattr(ema, "update", cut)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, digits, tmp_path / "cut", steps=5, save_every=2)
    monkeypatch.setattr(ema, "update", update)
    assert torch.load(tmp_path / "cut" / "state.pt", weights_only=True)["step"] == 2
    resumed = train(recipe, digits, tmp_path / "cut", steps=5, resume=True)
    assert same(whole.game.state_dict(), resumed.game.state_dict())
    assert same(whole.average.state_dict(), resumed.average.state_dict())
