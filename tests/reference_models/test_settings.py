"""Settings of the recipes: one set of names for words, files, presets, states and cards."""

import importlib
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

import ganeval
from reference_models import MODELS, dcgan, gan, infogan, sngan, wgan_gp
from reference_models.data.digits import digits
from reference_models.engine import curve, ema
from reference_models.engine.kinds import Scoring
from reference_models.engine.recipe import Recipe
from reference_models.engine.run import Run
from reference_models.engine.session import Watch, find_recipe, run_training
from reference_models.engine.settings import (
    parse_setting,
    preset_of,
    read_settings,
    settings_of,
    toml_lines,
    with_settings,
)
from reference_models.engine.train import begin, one_step
from tests.reference_models.folders import assert_same_files
from tests.reference_models.made import data_of

EVERY = pytest.mark.parametrize("name", sorted(MODELS))

NEED_DATA = ("generator.num_classes", "generator.condition_channels")
"""What takes data that have labels or a condition, where it is not 0."""

NOTHING = Watch(grid_every=0, collapse=False, board=False)


def numbers_in(recipe: Recipe) -> dict[str, Any]:
    """All settings that are numbers, each changed a little."""
    return {
        name: value + 1 if type(value) is int else value * 0.5
        for name, value in settings_of(recipe).items()
        if type(value) in (int, float)
        and name not in ("steps", "channels")
        and not (value == 0 and name in NEED_DATA)
    } | {"channels": 1}


@EVERY
def test_settings_survive_a_file_and_give_the_same_recipe(name: str, tmp_path: Path) -> None:
    recipe = find_recipe(name)
    path = tmp_path / "settings.toml"
    path.write_text("\n".join(toml_lines(settings_of(recipe))))
    assert read_settings(path) == settings_of(recipe)
    again = with_settings(recipe, read_settings(path))
    assert settings_of(again) == settings_of(recipe)
    assert (again.solver, again.optimizers) == (recipe.solver, recipe.optimizers)
    for line in path.read_text().splitlines():  # as after --set
        key, value = parse_setting(line)
        assert settings_of(recipe)[key] == value


@EVERY
def test_every_number_can_be_changed_and_is_in_the_game_or_the_recipe(name: str) -> None:
    recipe = find_recipe(name)
    changed = with_settings(recipe, numbers_in(recipe))
    assert settings_of(changed) == {**settings_of(recipe), **numbers_in(recipe)}
    shape = (1, 64) if recipe.kinds == ("clips",) else (1, 16, 16)
    games = [
        one.build(data_of(shape), torch.Generator().manual_seed(0)) for one in (recipe, changed)
    ]
    sizes = [
        {key: tuple(value.shape) for key, value in game.state_dict().items()} for game in games
    ]
    assert sizes[0] != sizes[1]  # the networks are others
    for player, spec in changed.optimizers.items():
        (group,) = spec.build(games[1].parameters_of(player).values()).param_groups
        assert group["lr"] == settings_of(changed)[f"optimizers.{player}.lr"]


@EVERY
def test_presets_have_names_that_there_are(name: str) -> None:
    recipe = find_recipe(name)
    for preset in recipe.presets:
        changed = preset_of(recipe, preset)
        assert changed
        assert settings_of(with_settings(recipe, changed)) != settings_of(recipe)
    with pytest.raises(ganeval.GanevalError, match="unknown preset"):
        preset_of(recipe, "none-such")


@EVERY
def test_the_docstring_says_how_it_differs_from_the_paper(name: str) -> None:
    module = importlib.import_module(MODELS[name].partition(":")[0])
    last = (module.__doc__ or "").strip().split("\n\n")[-1]
    assert last.startswith("Differs from the paper"), name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("batch_size=128", ("batch_size", 128)),
        ("optimizers.D.lr = 2e-4", ("optimizers.D.lr", 2e-4)),
        ("optimizers.D.betas=[0.5, 0.9]", ("optimizers.D.betas", [0.5, 0.9])),
        ("game.spectral_norm=false", ("game.spectral_norm", False)),
        ("data=folder:faces/,size=32", ("data", "folder:faces/,size=32")),
        ('prior="uniform"', ("prior", "uniform")),
        ("prior=uniform", ("prior", "uniform")),
    ],
)
def test_a_word_is_a_value_as_toml_has_it_or_a_word(text: str, expected: tuple[str, Any]) -> None:
    assert parse_setting(text) == expected


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"batchsize": 8}, "unknown setting of gan 'batchsize'; .*did you mean 'batch_size'"),
        ({"optimizers.D.lrr": 1e-4}, "did you mean 'optimizers.D.lr'"),
        ({"batch_size": "big"}, 'setting batch_size is "big"; needed: a whole number, such as 64'),
        ({"batch_size": 1.5}, "setting batch_size is 1.5; needed: a whole number"),
        ({"batch_size": 0}, "setting batch_size is 0; needed: at least 1"),
        ({"batch_size": True}, "setting batch_size is true; needed: a whole number"),
        ({"optimizers.D.lr": -1.0}, "setting optimizers.D.lr is -1.0; needed: a finite number"),
        ({"optimizers.D.lr": float("inf")}, "a finite number"),
        ({"optimizers.D.betas": [0.5]}, "2 numbers, such as"),
        ({"optimizers.D.betas": [0.5, "x"]}, 'is "x"; needed: a number'),
        ({"optimizers.D.name": "adamw"}, "unknown optimizer 'adamw'; .*did you mean 'adam'"),
        ({"prior": "gauss"}, "unknown prior 'gauss'"),
        (
            {"optimizers.D.betas": [0.5, 1.0]},
            "betas of an optimizer: 1.0; needed: from 0 to below 1",
        ),
        ({"optimizers.G.momentum": 2}, "momentum of an optimizer: 2.0; needed: from 0 to below 1"),
    ],
)
def test_what_cannot_be_is_refused_in_words(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ganeval.GanevalError, match=said):
        with_settings(gan.RECIPE, changes)


def test_an_objective_that_there_is_none_of_is_refused_with_the_nearest() -> None:
    recipe = with_settings(gan.RECIPE, {"game.objective": "minmax"})
    with pytest.raises(ganeval.GanevalError, match=r"unknown objective 'minmax'.*'minimax'"):
        recipe.build(data_of((2,)), torch.Generator())


def test_more_codes_than_latents_are_refused() -> None:
    recipe = with_settings(infogan.RECIPE, {"generator.num_continuous": 65})
    with pytest.raises(ganeval.GanevalError, match="65 continuous codes in 64 latents"):
        recipe.build(data_of((1, 16, 16)), torch.Generator())


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ganeval.GanevalError, match="no such file"):
        read_settings(tmp_path / "absent.toml")
    (tmp_path / "bad.toml").write_text("batch_size = = 3")
    with pytest.raises(ganeval.GanevalError, match=r"bad\.toml: .*line 1"):
        read_settings(tmp_path / "bad.toml")


def test_tables_are_dotted_names(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("batch_size = 8\n[optimizers.D]\nlr = 1e-3\n")
    found = read_settings(tmp_path / "a.toml")
    assert found == {"batch_size": 8, "optimizers.D.lr": 1e-3}


def test_settings_reach_the_game() -> None:
    recipe = with_settings(wgan_gp.RECIPE, {"game.penalty_weight": 3, "generator.latent_size": 5})
    game = recipe.build(data_of((1, 16, 16)), torch.Generator())
    assert isinstance(game, wgan_gp.WassersteinGanGp)
    numbers = game.options["penalty_weight"], game.generator.latent_size
    assert numbers == (3.0, 5)
    plain = with_settings(sngan.RECIPE, {"game.spectral_norm": False})
    names = [
        name for name, _ in plain.build(data_of((1, 16, 16)), torch.Generator()).named_parameters()
    ]
    assert not any("parametrizations" in name for name in names)


def test_a_uniform_prior_is_that_of_training_and_of_sampling() -> None:
    paper = with_settings(dcgan.RECIPE, preset_of(dcgan.RECIPE, "paper"))
    assert (paper.prior, paper.batch_size) == ("uniform", 128)
    game = with_settings(dcgan.RECIPE, {"prior": "uniform"}).build(
        data_of((1, 16, 16)), torch.Generator()
    )
    seen: list[torch.Tensor] = []
    game.generator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    from reference_models.engine.draw import Draw

    game.sample(500, Draw(0, 0))
    assert -1 <= float(seen[0].min()) < -0.99
    assert 0.99 < float(seen[0].max()) < 1
    with pytest.raises(ganeval.GanevalError, match="normal latents"):
        with_settings(infogan.RECIPE, {"prior": "uniform"}).build(
            data_of((1, 16, 16)), torch.Generator()
        )


def test_a_run_keeps_its_settings_and_goes_on_with_them(tmp_path: Path) -> None:
    changes = {"batch_size": 8, "generator.width": 16}
    run_training("gan", folder=tmp_path, steps=2, settings=changes, watch=NOTHING)
    kept = tomllib.loads((tmp_path / "settings.toml").read_text())
    assert (kept["batch_size"], kept["generator"]["width"], kept["steps"]) == (8, 16, 2)
    path = run_training("gan", folder=tmp_path, steps=4, resume=True, watch=NOTHING)
    assert path is not None
    with safe_open(path, framework="np") as file:
        assert '"generator.width": 16' in file.metadata()["ganeval.card"]
    with pytest.raises(ganeval.GanevalError, match="batch_size was 8, now it is 9"):
        run_training(
            "gan", folder=tmp_path, steps=6, resume=True, settings={"batch_size": 9}, watch=NOTHING
        )


def test_another_model_is_named_before_its_layers(tmp_path: Path) -> None:
    run_training("gan", folder=tmp_path, steps=1, watch=NOTHING)
    (tmp_path / "settings.toml").unlink()
    with pytest.raises(ganeval.GanevalError, match=r"state\.pt: model was gan, now it is dcgan, "):
        run_training("dcgan", folder=tmp_path, steps=2, resume=True, watch=NOTHING)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ganeval.GanevalError("nan", "b", "c")])
def test_a_run_that_is_cut_leaves_the_checkpoint_of_its_saved_state(
    error: BaseException, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def cut(run: Run, log: dict[str, float]) -> None:
        if run.step == 5:
            raise error

    whole = run_training("gan", folder=tmp_path / "whole", steps=5, watch=NOTHING)
    with pytest.raises(type(error)):
        run_training(
            "gan", folder=tmp_path / "cut", settings={"steps": 9}, watch=NOTHING, observers=[cut]
        )
    path = tmp_path / "cut" / "gan.safetensors"
    assert f"checkpoint of step 5: {path}" in caplog.text
    assert whole is not None
    tensors = [load_file(one) for one in (whole, path)]
    assert all(torch.equal(value, tensors[1][name]) for name, value in tensors[0].items())
    assert (tmp_path / "cut" / "samples.png").read_bytes() == (
        tmp_path / "whole" / "samples.png"
    ).read_bytes()


def test_a_rate_falls_in_a_line_and_a_resumed_run_has_the_same(tmp_path: Path) -> None:
    changes = {"optimizers.D.decay": "linear", "optimizers.G.decay": "linear", "batch_size": 8}
    spec = with_settings(gan.RECIPE, changes).optimizers["D"]
    assert [spec.rate_at(step, 4) / spec.lr for step in range(6)] == [1, 0.75, 0.5, 0.25, 0, 0]
    rates: list[float] = []

    def look(run: Run, log: dict[str, float]) -> None:
        if log:
            rates.append(run.optimizers["D"].param_groups[0]["lr"])

    options: dict[str, Any] = {"settings": changes, "watch": NOTHING}
    run_training("gan", folder=tmp_path / "whole", steps=4, observers=[look], **options)
    assert rates == pytest.approx([5e-4, 3.75e-4, 2.5e-4, 1.25e-4])

    def cut(run: Run, log: dict[str, float]) -> None:
        if run.step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_training("gan", folder=tmp_path / "cut", steps=4, observers=[cut], **options)
    with pytest.raises(ganeval.GanevalError, match="steps was 4, now it is 8"):
        run_training("gan", folder=tmp_path / "cut", steps=8, resume=True, watch=NOTHING)
    run_training("gan", folder=tmp_path / "cut", resume=True, watch=NOTHING)
    for name in ("gan.safetensors", "metrics.jsonl", "state.pt"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_long_gradient_is_cut_to_its_norm() -> None:
    norms: dict[float, float] = {}
    for max_norm in (0.0, 1e-3):
        changes = {"optimizers.D.name": "sgd", "optimizers.D.max_norm": max_norm}
        recipe = with_settings(gan.RECIPE, {**changes, "optimizers.D.lr": 1.0})
        run = begin(recipe, digits(), seed=0, device=torch.device("cpu"))
        before = [one.detach().clone() for one in run.game.parameters_of("D").values()]
        one_step(run, recipe, digits(), seed=0, device=torch.device("cpu"))
        after = run.game.parameters_of("D").values()
        moved = [one - was for one, was in zip(after, before, strict=True)]
        norms[max_norm] = float(torch.cat([one.detach().flatten() for one in moved]).norm())
    assert norms[0.0] > 0.01
    assert norms[1e-3] == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.parametrize("name", ["adam", "rmsprop", "sgd"])
def test_optimizers_have_all_their_numbers(name: str) -> None:
    numbers = {"lr": 0.3, "eps": 1e-5, "momentum": 0.4, "weight_decay": 0.2, "max_norm": 2.0}
    changes = {f"optimizers.G.{key}": value for key, value in numbers.items()}
    spec = with_settings(gan.RECIPE, {**changes, "optimizers.G.name": name}).optimizers["G"]
    (group,) = spec.build([torch.nn.Parameter(torch.zeros(2))]).param_groups
    unused = {"adam": {"momentum"}, "rmsprop": set(), "sgd": {"eps"}}[name]
    assert {key: group[key] for key in numbers.keys() - unused} == {
        key: value for key, value in numbers.items() if key not in unused
    }


def test_the_average_forgets_the_first_weights_sooner_where_it_ramps_up() -> None:
    assert ema.half_life_after(100, 2000, 0.0) == 2000
    assert ema.half_life_after(100, 2000, 0.05) == 5
    assert ema.half_life_after(10**6, 2000, 0.05) == 2000
    far = []
    for ramp_up in (0.0, 0.05):
        recipe = with_settings(gan.RECIPE, {"ema_half_life": 1e6, "ema_ramp_up": ramp_up})
        run = begin(recipe, digits(), seed=0, device=torch.device("cpu"))
        for _ in range(5):
            one_step(run, recipe, digits(), seed=0, device=torch.device("cpu"))
        pairs = zip(run.average.parameters(), run.game.generator.parameters(), strict=True)
        far.append(sum(float((one - other).detach().abs().sum()) for one, other in pairs))
    assert far[1] < 0.1 * far[0]


SCORED = Watch(
    grid_every=0,
    collapse=False,
    board=False,
    snapshot_every=2,
    scoring=Scoring(every=1, metrics=("fid",), extractor="random", num_images=24),
)


def test_snapshots_and_the_best_checkpoint_are_kept(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run_training("gan", folder=whole, steps=6, watch=SCORED, save_every=2)
    names = [path.name for path in sorted((whole / "snapshots").iterdir())]
    assert names == ["000002.safetensors", "000004.safetensors", "000006.safetensors"]
    assert [ganeval.read_card(whole / "snapshots" / name).step for name in names] == [2, 4, 6]
    rows = [json.loads(line) for line in (whole / "curve.jsonl").read_text().splitlines()]
    best = min(rows, key=lambda row: row["fid"])["step"]
    assert ganeval.read_card(whole / "best/gan.safetensors").step == best

    def cut(run: Run, log: dict[str, float]) -> None:
        if run.step == 5:
            raise MemoryError

    with pytest.raises(MemoryError):
        run_training("gan", folder=parts, steps=6, watch=SCORED, save_every=2, observers=[cut])
    run_training("gan", folder=parts, resume=True, watch=SCORED, save_every=2)
    assert_same_files(parts, whole)


def test_the_log_says_which_step_was_best() -> None:
    rows = [
        {"step": 1, "a": 3.0},
        {"step": 2, "a": 1.0},
        {"step": 3, "a": 1.0},
        {"step": 4, "a": 2},
    ]
    assert curve._best_step(rows, "a", "lower") == 2
    assert curve._best_step(rows, "a", "higher") == 1


def test_a_card_is_read_without_its_tensors(tmp_path: Path) -> None:
    path = run_training("gan", folder=tmp_path, steps=1, watch=NOTHING)
    assert path is not None
    card = ganeval.read_card(path)
    assert (card.model, card.step, card.settings["batch_size"]) == ("gan", 1, 64)
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(path.read_bytes()[:100])
    for bad in (cut, tmp_path / "absent.safetensors", tmp_path):
        with pytest.raises(ganeval.GanevalError):
            ganeval.read_card(bad)
