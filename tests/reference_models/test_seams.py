"""What a new system may ask of the engine: kinds of data, exports, stages, parts of a batch."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import ganeval
from reference_models import gan
from reference_models.data.densities import found_modes, mode_kl, ring8
from reference_models.data.digits import digits
from reference_models.engine.data import Batch, Data
from reference_models.engine.draw import Draw
from reference_models.engine.game import Game, Terms
from reference_models.engine.inputs import inputs_of
from reference_models.engine.kinds import Scoring
from reference_models.engine.norms import norm_mode_of
from reference_models.engine.recipe import Exported, OptimizerSpec, Recipe
from reference_models.engine.session import Watch, find_recipe, run_training
from reference_models.engine.settings import preset_of, with_settings
from reference_models.engine.solvers import Alternating
from reference_models.engine.train import begin, one_step, train
from reference_models.parts.augment import augment_of
from reference_models.parts.objectives import Objective, logistic_discriminator
from reference_models.parts.unconditional import Unconditional

CPU = torch.device("cpu")
HERE = "tests.reference_models.test_seams"


def test_points_are_trained_scored_drawn_and_exported(tmp_path: Path) -> None:
    settings = preset_of(gan.RECIPE, "points")
    watch = Watch(grid_every=2, snapshot_every=2, scoring=Scoring(every=2), board=False)
    path = run_training(
        "gan", folder=tmp_path, settings=settings, data="ring8", steps=4, watch=watch
    )
    assert path == tmp_path / "gan.npz"
    run = train(
        with_settings(gan.RECIPE, {**settings, "data": "ring8"}), ring8(), tmp_path / "x", steps=4
    )
    with np.load(path) as arrays, torch.inference_mode():
        inputs = inputs_of(run.average, gan.RECIPE, ring8(), 10_000, seed=0)
        np.testing.assert_array_equal(arrays["arr_0"], run.average(*inputs).numpy())
        assert int(arrays["step"]) == 4
    with torch.inference_mode():
        samples = run.average(*inputs_of(run.average, gan.RECIPE, ring8(), 2000, seed=0))
    rows = rows_of(tmp_path / "curve.jsonl")
    assert [row["step"] for row in rows] == [2, 4]
    assert rows[1]["modes"] == found_modes(samples, ring8())
    assert rows[1]["mode_kl"] == pytest.approx(mode_kl(samples, ring8()))
    for name in ("samples.png", "samples/000002.png"):
        with PIL.Image.open(tmp_path / name) as picture:
            assert len(picture.convert("RGB").getcolors(1 << 20) or ()) > 2
    assert (tmp_path / "snapshots" / "000002.npz").exists()
    assert (tmp_path / "best" / "gan.npz").exists()
    again = run_training("gan", folder=tmp_path, steps=5, resume=True, watch=watch)
    assert again == path


def test_points_have_any_seed(tmp_path: Path) -> None:
    seed = 2**70 + 1
    settings = preset_of(gan.RECIPE, "points")
    paths = [
        run_training(
            "gan", folder=tmp_path / str(one), settings=settings, data="ring8", steps=1, seed=one
        )
        for one in (seed, 1)
    ]
    samples = []
    for path in paths:
        assert path is not None
        with np.load(path) as arrays:
            samples.append(arrays["arr_0"])
            assert str(arrays["seed"]) == path.parent.name
    assert not np.array_equal(*samples)


def rows_of(path: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_metric_of_points_that_there_is_none_of_is_named(tmp_path: Path) -> None:
    watch = Watch(scoring=Scoring(every=2, metrics=("mode",)), board=False)
    with pytest.raises(ganeval.GanevalError, match="did you mean 'modes'"):
        run_training("gan", folder=tmp_path, data="ring8", steps=2, watch=watch)


@pytest.mark.parametrize(
    ("model", "data", "text"),
    [
        ("dcgan", "ring8", "'ring8' has points; needed: pictures, for dcgan"),
        (
            "pix2pix",
            "digits",
            "has no pictures to make others from; needed: data with pictures to make",
        ),
        ("projection", "shapes", "has 12 classes"),
    ],
)
def test_data_that_do_not_fit_are_refused(model: str, data: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(ganeval.GanevalError, match=text):
        run_training(model, folder=tmp_path, data=data, steps=2)
    assert not list(tmp_path.iterdir())


def test_a_batch_in_parts_moves_as_the_whole_one() -> None:
    data = digits()
    whole = replace(gan.RECIPE, batch_size=12)
    parts = with_settings(whole, {"solver.accumulate": 3})
    runs = [begin(recipe, data, seed=0, device=CPU) for recipe in (whole, parts)]
    logs = [
        [one_step(run, recipe, data, seed=0, device=CPU) for _ in range(3)]
        for run, recipe in zip(runs, (whole, parts), strict=True)
    ]
    for one, other in zip(*logs, strict=True):
        assert one == pytest.approx(other, rel=1e-5)
    for one, other in zip(runs[0].game.parameters(), runs[1].game.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=2e-5, rtol=0)


def test_a_batch_without_such_parts_is_refused(tmp_path: Path) -> None:
    recipe = with_settings(gan.RECIPE, {"solver.accumulate": 3})
    with pytest.raises(ganeval.GanevalError, match="a batch of 64 in 3 parts; needed: equal parts"):
        train(recipe, digits(), tmp_path, steps=1)


def relativistic(real: torch.Tensor | None, fake: torch.Tensor) -> torch.Tensor:
    """Jolicoeur-Martineau 2019, the generator's loss against the mean of the real logits."""
    assert real is not None
    return F.softplus(real.mean() - fake).mean()


def test_an_objective_of_the_generator_may_see_real_samples() -> None:
    objective = Objective(logistic_discriminator, relativistic, generator_sees_real=True)

    def make_game(recipe: Recipe, data: Data, randomness: torch.Generator) -> Game:
        usual = gan.make_game(recipe, data, randomness)
        networks = (usual.get_submodule(name) for name in ("generator", "discriminator"))
        return Unconditional(*networks, objective, augment_of(recipe, data))

    data, recipe = digits(), replace(gan.RECIPE, make_game=make_game, batch_size=8)
    run = begin(recipe, data, seed=0, device=CPU)
    draw = Draw(0, 0)
    batch = data.batch(0, 0, 8)
    with torch.no_grad():
        logits = run.game.get_submodule("discriminator")(batch["real"])
        fake = run.game.get_submodule("discriminator")(run.game.sample(8, draw))  # type: ignore[operator]
        expected = relativistic(logits, fake)
        torch.testing.assert_close(run.game("G", batch, draw), expected)
    one_step(run, recipe, data, seed=0, device=CPU)
    assert run.position == 16  # a batch for D and one for G; without, D's alone
    usual = begin(gan.RECIPE, data, seed=0, device=CPU)
    one_step(usual, gan.RECIPE, data, seed=0, device=CPU)
    assert usual.position == gan.RECIPE.batch_size


class Pixel(nn.Module):
    """One colour for all pixels, of latents."""

    def __init__(self, *, latent_size: int) -> None:
        super().__init__()
        self.latent_size = latent_size
        self.layer = nn.Linear(latent_size, 1)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        grey: torch.Tensor = self.layer(z).tanh()
        return grey[:, :, None, None].expand(-1, 1, 16, 16).contiguous()


class Twins(Game):
    """Two generators that learn the mean of the pictures through a frozen network, in stages."""

    players: Mapping[str, tuple[str, ...]] = {"one": ("first",), "other": ("second",)}
    averaged = ("first", "second")

    def __init__(self, data: Data, first: nn.Module | None = None) -> None:
        super().__init__()
        self.first, self.second = first or Pixel(latent_size=3), Pixel(latent_size=3)
        self.judge = nn.Conv2d(1, 2, 3)
        assert data.batch(0, 0, 1)["real"].shape == (1, 1, 16, 16)  # built with the data at hand

    def before_step(self, num_images: int) -> None:
        self.resting = frozenset({"other"}) if num_images < 8 else frozenset()

    def loss(self, player: str, batch: Batch, draw: Draw) -> Terms:
        network = self.get_submodule(self.players[player][0])
        made = network(draw.normal("z", batch.size, 3))
        return {"distance": (self.judge(made) - self.judge(batch["real"])).square().mean()}


TWINS = Recipe(
    name="twins",
    make_game=lambda recipe, data, randomness: Twins(data),
    exported={"first": Exported(f"{HERE}:Pixel"), "second": Exported(f"{HERE}:Pixel")},
    of_shape=lambda shape: {},
    networks={"first": {"latent_size": 3}, "second": {"latent_size": 3}},
    solver=Alternating(),
    optimizers={player: OptimizerSpec(lr=0.1) for player in ("one", "other")},
    batch_size=4,
)


@pytest.mark.parametrize("names", [("third",), ("first", "third")])
def test_what_is_exported_is_averaged(names: tuple[str, ...]) -> None:
    recipe = replace(TWINS, exported=dict.fromkeys(names, TWINS.exported["first"]))
    said = (
        f"twins exports {', '.join(names)}, and its game averages first, second; "
        f"needed: an average of each"
    )
    with pytest.raises(ganeval.GanevalError, match=said):
        begin(recipe, digits(), seed=0, device=CPU)


def test_several_networks_are_exported_and_players_rest_in_a_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reference_models.MODELS", {"twins": f"{HERE}:TWINS"})
    monkeypatch.setattr("reference_models.engine.session.MODELS", {"twins": f"{HERE}:TWINS"})
    assert find_recipe("twins") is TWINS
    logs: list[set[str]] = []
    path = run_training(
        "twins",
        folder=tmp_path,
        steps=4,
        watch=Watch(grid_every=0, board=False, collapse=False),
        observers=[lambda run, log: logs.append(set(log))],
    )
    assert path == tmp_path / "twins.safetensors"
    first = {"one/distance"}
    assert logs == [set(), first, first, first | {"other/distance"}, first | {"other/distance"}]
    other = ganeval.read_card(tmp_path / "twins-second.safetensors")
    assert other.kwargs == {"latent_size": 3}
    names = ("twins.safetensors", "twins-second.safetensors")
    weights = [
        ganeval.load_generator(tmp_path / name).network.get_submodule("layer") for name in names
    ]
    assert not torch.equal(*(layer.weight for layer in weights))  # type: ignore[arg-type]


class NormedPixel(Pixel):
    """The same, with a norm of vectors."""

    def __init__(self, *, latent_size: int, tracks: bool = True) -> None:
        super().__init__(latent_size=latent_size)
        norm = nn.BatchNorm1d(1, track_running_stats=tracks)
        self.layer = nn.Sequential(nn.Linear(latent_size, 1), norm)  # type: ignore[assignment]


NORMED = replace(
    TWINS,
    name="normed",
    make_game=lambda recipe, data, randomness: Twins(data, NormedPixel(latent_size=3)),
    exported={"first": Exported(f"{HERE}:NormedPixel")},
)


@pytest.mark.parametrize(
    ("norm", "mode"),
    [
        (nn.BatchNorm1d(2), "running"),
        (nn.BatchNorm2d(2), "running"),
        (nn.BatchNorm3d(2), "running"),
        (nn.SyncBatchNorm(2), "running"),
        (nn.InstanceNorm2d(2, track_running_stats=True), "running"),
        (nn.InstanceNorm2d(2), "none"),
        (nn.GroupNorm(1, 2), "none"),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, nn.Module) else one,
)
def test_every_layer_that_uses_running_statistics_counts(norm: nn.Module, mode: str) -> None:
    assert norm_mode_of(nn.Sequential(nn.Linear(2, 2), norm)) == mode


def test_the_card_knows_the_norm_of_vectors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = {"twins": f"{HERE}:TWINS", "normed": f"{HERE}:NORMED"}
    monkeypatch.setattr("reference_models.MODELS", table)
    monkeypatch.setattr("reference_models.engine.session.MODELS", table)
    watch = Watch(grid_every=0, board=False, collapse=False)
    modes = [
        ganeval.read_card(
            run_training(name, folder=tmp_path / name, steps=1, watch=watch)
        ).norm_mode
        for name in table
    ]
    assert modes == ["none", "running"]


def test_a_norm_of_the_batch_alone_is_refused_before_any_step() -> None:
    network = NormedPixel(latent_size=3, tracks=False)
    recipe = replace(NORMED, make_game=lambda recipe, data, randomness: Twins(data, network))
    with pytest.raises(ganeval.GanevalError, match=r"'layer\.1' of an exported network is a Batch"):
        begin(recipe, digits(), seed=0, device=CPU)


def test_a_network_that_no_player_owns_is_frozen() -> None:
    data = digits()
    run = begin(TWINS, data, seed=0, device=CPU)
    before = run.game.get_submodule("judge").weight.clone()  # type: ignore[operator,union-attr]
    for _ in range(4):
        one_step(run, TWINS, data, seed=0, device=CPU)
    judge = run.game.get_submodule("judge")
    assert torch.equal(judge.weight, before)  # type: ignore[arg-type]
    assert not any(parameter.requires_grad for parameter in judge.parameters())
    assert not judge.training


def test_draws_of_different_steps_never_meet() -> None:
    """Torch's generator has 32 bits of seed: of 100,000 streams two are likely the same one."""
    first = {Draw(0, step).stream("z").random() for step in range(20_000)}
    assert len(first) == 20_000
    x = Draw(0, 0).normal("z", 50_000, 2)
    assert abs(float(x.mean())) < 0.02
    assert abs(float(x.std()) - 1) < 0.02
