"""What watches a run: grids, the curve, warnings, TensorBoard; and that none of it changes one."""

import importlib.machinery
import json
import logging
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

import ganeval
from reference_models.data.pictures import Pictures
from reference_models.engine import board, collapse
from reference_models.engine.curve import curve
from reference_models.engine.curve_picture import draw_curve, write_curve
from reference_models.engine.data import Data, open_data
from reference_models.engine.files import RunFiles
from reference_models.engine.keep import METRICS, STATE
from reference_models.engine.kinds import Scoring
from reference_models.engine.kinds.pictures import PICTURES
from reference_models.engine.rows import Rows
from reference_models.engine.session import Watch, find_recipe, run_training
from reference_models.engine.settings import with_settings
from reference_models.engine.train import Run, begin, one_step, train
from tests.reference_models.folders import assert_same_files

CPU = torch.device("cpu")
NOTHING = Watch(grid_every=0, collapse=False, board=False)
SCORING = Scoring(every=2, metrics=("fid", "kid"), extractor="random", num_images=24)
EVERYTHING = Watch(grid_every=2, scoring=SCORING)


@pytest.fixture(scope="module")
def digits() -> Data:
    return open_data("digits")


def test_a_watched_run_is_the_same_run(tmp_path: Path) -> None:
    for name, watch in (("plain", NOTHING), ("watched", EVERYTHING)):
        run_training("gan", folder=tmp_path / name, steps=5, watch=watch)
    for name in (STATE, METRICS, "gan.safetensors", "samples.png"):
        files = tmp_path / "plain" / name, tmp_path / "watched" / name
        assert files[0].read_bytes() == files[1].read_bytes(), name


def test_grids_are_of_the_same_latents_at_every_interval(tmp_path: Path) -> None:
    run_training("gan", folder=tmp_path, steps=5, watch=Watch(grid_every=2, board=False))
    grids = sorted((tmp_path / "samples").iterdir())
    assert [path.name for path in grids] == ["000002.png", "000004.png"]
    run_training("gan", folder=tmp_path / "four", steps=4, watch=NOTHING)
    assert grids[1].read_bytes() == (tmp_path / "four" / "samples.png").read_bytes()
    pictures = [np.asarray(PIL.Image.open(path)) for path in grids]
    # Eight tiles of 64 pixels with gaps of 2, each pixel of a digit a square of 4 by 4.
    assert pictures[0].shape == (8 * 66 - 2,) * 2
    assert (pictures[0][64:66] == 255).all()
    tile = pictures[0][66:130, 132:196]
    assert np.array_equal(tile, tile[::4, ::4].repeat(4, axis=0).repeat(4, axis=1))
    assert not np.array_equal(*pictures)


def test_the_curve_is_what_the_toolkit_says_of_the_checkpoint(tmp_path: Path, digits: Data) -> None:
    """Score 200 images: enough for an error of KID, too few for one of FID in 64 dimensions."""
    watch = Watch(grid_every=0, scoring=replace(SCORING, num_images=200), board=False)
    checkpoint = run_training("gan", folder=tmp_path, steps=4, watch=watch)
    rows = curve_of(tmp_path)
    assert [row["step"] for row in rows] == [2, 4]
    real = digits.batch(0, 0, 200)["real"]
    report = ganeval.evaluate(
        sample=f"generator:{checkpoint},num_images=200",
        reference=ganeval.Images(real, value_range=(-1, 1), name="real"),
        metrics=["fid", "kid"],
        extractor="random",
        device="cpu",
    )
    errors = {}
    for name in ("fid", "kid"):
        errors |= {f"{name}_se": report[name].se, f"{name}_interval": report[name].interval}
    assert errors["kid_se"] > 0
    assert errors["fid_se"] is None
    assert rows[1] == {
        "step": 4,
        "num_images": 200,
        "extractor": "random",
        "reference": "200 training images",
        "fid": report["fid"].value,
        "kid": report["kid"].value,
        **{
            name: list(value) if isinstance(value, tuple) else value
            for name, value in errors.items()
        },
    }


def test_two_networks_have_a_column_each_in_the_curve(tmp_path: Path) -> None:
    scoring = replace(SCORING, metrics=("fid", "fid@efficientnet-lite0", "kid:degree=2"))
    run_training("gan", folder=tmp_path, steps=2, watch=replace(NOTHING, scoring=scoring))
    (row,) = curve_of(tmp_path)
    assert {name for name in row if name.endswith("_se")} == {
        *("fid_se", "fid@efficientnet-lite0_se", "kid:degree=2_se"),
    }
    assert row["fid"] != row["fid@efficientnet-lite0"]


def curve_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "curve.jsonl").read_text().splitlines()]


def test_a_resumed_curve_is_the_same_curve(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run_training("gan", folder=whole, steps=6, watch=EVERYTHING)
    run_training("gan", folder=parts, steps=4, watch=EVERYTHING)
    with (parts / "curve.jsonl").open("a") as file:  # as of a killed run that was further
        file.write('{"step": 6, "fid": 1.0}\n{"step": 8, "fi')
    RunFiles(parts, resume=True).claim("samples/000008.png").write_bytes(b"of step 8")
    run_training("gan", folder=parts, steps=6, resume=True, watch=EVERYTHING)
    assert_same_files(parts, whole)


def test_the_last_step_is_scored_wherever_it_is(tmp_path: Path) -> None:
    run_training("gan", folder=tmp_path, steps=3, watch=EVERYTHING)
    rows = curve_of(tmp_path)
    assert [row["step"] for row in rows] == [2, 3]
    checkpoint = f"generator:{tmp_path / 'gan.safetensors'},num_images=24"
    reference = ganeval.Images(
        open_data("digits").batch(0, 0, 24)["real"], value_range=(-1, 1), name="real"
    )
    report = ganeval.evaluate(
        sample=checkpoint, reference=reference, metrics=["fid"], extractor="random", device="cpu"
    )
    assert rows[1]["fid"] == report["fid"].value
    run_training("gan", folder=tmp_path, steps=4, resume=True, watch=EVERYTHING)
    assert curve_of(tmp_path)[:2] == rows  # a score that was made is kept
    assert [row["step"] for row in curve_of(tmp_path)] == [2, 3, 4]


def test_the_picture_of_the_curve_shows_values_and_errors(tmp_path: Path) -> None:
    rows = [
        {"step": 10, "a": 3.0, "a_interval": [2.0, 5.0]},
        {"step": 20, "a": 2.0, "a_interval": None, "b": 7.0},
    ]
    named = [{**row, "num_images": 24, "extractor": "e", "reference": "a$\udcff$"} for row in rows]
    files = [tmp_path / "one.png", tmp_path / "other.png"]
    for path in files:
        write_curve(path, named, {"a": "lower", "b": "higher"}, "gan")
    assert files[0].read_bytes() == files[1].read_bytes()
    figure = draw_curve(named, {"a": "lower", "b": "higher"}, "gan")
    left, right = figure.axes
    lines = [[*map(float, line.get_xdata()), *map(float, line.get_ydata())] for line in left.lines]
    assert lines == [[10, 20, 3, 2], [10, 10, 2, 5]]
    assert left.get_title("left") == "a (lower is better; bars: 95 % intervals)"
    assert [float(y) for y in right.lines[0].get_ydata()] == [7.0]
    assert right.get_title("left") == "b (higher is better; no intervals)"


def test_seeds_that_samples_cannot_have_are_scored_too(tmp_path: Path) -> None:
    run_training("gan", folder=tmp_path, steps=2, seed=5_000_000_000, watch=EVERYTHING)
    assert [row["step"] for row in curve_of(tmp_path)] == [2]


def test_images_that_are_all_the_same_can_be_trained_on(
    digits: Data, caplog: pytest.LogCaptureFixture
) -> None:
    assert isinstance(digits, Pictures)
    same = Pictures(name="same", pixels=digits.pixels[:1])
    recipe = find_recipe("gan")
    run = begin(recipe, same, seed=0, device=CPU)
    observe = collapse.collapse_warning(recipe, same, seed=0)
    for _ in range(2 * collapse.PATIENCE):
        flattened(run, 0.01)
        run.step += collapse.EVERY
        observe(run, {"D/adversarial": 1.0})
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"num_images": 20}, "num_images was 24, now it is 20; .*; change --eval-images back, or"),
        ({"reference": "data:digits,size=16"}, "reference was 24 training images, now it is data:"),
    ],
)
def test_a_curve_has_one_way_of_scoring(change: dict[str, Any], text: str, tmp_path: Path) -> None:
    run_training("gan", folder=tmp_path, steps=2, watch=EVERYTHING)
    rows = (tmp_path / "curve.jsonl").read_text()
    watch = replace(EVERYTHING, scoring=replace(SCORING, **change))
    with pytest.raises(ganeval.GanevalError, match=text):
        run_training("gan", folder=tmp_path, steps=4, resume=True, watch=watch)
    more = replace(EVERYTHING, scoring=replace(SCORING, metrics=("fid", "pr")))
    run_training("gan", folder=tmp_path, steps=4, resume=True, watch=more)
    assert (tmp_path / "curve.jsonl").read_text().startswith(rows)


def test_an_interrupted_evaluation_is_made_up_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run_training("gan", folder=whole, steps=4, watch=EVERYTHING)

    def cut(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ganeval.Accumulator, "compute", cut)
        with pytest.raises(KeyboardInterrupt):
            run_training("gan", folder=parts, steps=4, watch=EVERYTHING)
    assert torch.load(parts / STATE, weights_only=True)["step"] == 2
    run_training("gan", folder=parts, steps=4, resume=True, watch=EVERYTHING)
    for name in (STATE, METRICS, "curve.jsonl"):
        assert (whole / name).read_bytes() == (parts / name).read_bytes(), name


def test_a_generator_that_cannot_be_scored_is_named_and_trains_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def flatten(run: Run, log: dict[str, float]) -> None:
        for parameter in run.average.parameters():
            parameter.zero_()

    recipe = find_recipe("gan")
    pictures = open_data("digits")
    files = RunFiles(tmp_path)
    with curve(SCORING, recipe, pictures, files, last=2, seed=0, device=CPU) as observe:
        train(recipe, pictures, tmp_path, steps=2, observers=[flatten, observe], files=files)
    assert "step 2 is not scored: gan: the network gives the same image" in caplog.text
    assert curve_of(tmp_path) == []


def test_warnings_of_the_curve_name_the_model(tmp_path: Path) -> None:
    data, recipe = open_data("digits"), find_recipe("gan")
    with PICTURES.scorer(SCORING, recipe, data, seed=0, device=CPU) as scorer:
        assert scorer.accumulator.name == "samples of gan"


def test_unknown_metrics_fail_before_any_step(tmp_path: Path) -> None:
    watch = Watch(scoring=Scoring(every=2, metrics=("fdi",)))
    with pytest.raises(ganeval.GanevalError, match="did you mean 'fid'"):
        run_training("gan", folder=tmp_path / "run", steps=4, watch=watch)
    assert not (tmp_path / "run" / METRICS).exists()


def flattened(run: Run, share: float) -> None:
    """Bring the samples to a share of their spread: images are tanh of the last layer's values."""
    output = run.average.get_submodule("output")
    assert isinstance(output.weight, torch.Tensor)
    output.weight.mul_(share)


def test_collapse_is_said_once_for_each_time(
    digits: Data, caplog: pytest.LogCaptureFixture
) -> None:
    recipe = find_recipe("gan")
    run = begin(recipe, digits, seed=0, device=CPU)
    observe = collapse.collapse_warning(recipe, digits, seed=0)

    def look(times: int) -> int:
        before = len(caplog.records)
        for _ in range(times):
            run.step += collapse.EVERY
            observe(run, {"D/adversarial": 1.0})
        return len(caplog.records) - before

    flattened(run, 8.0)
    assert look(10) == 0
    flattened(run, 1 / 1000)
    assert look(2) == 0
    assert look(1) == 1
    assert "step 650: the samples collapse: they differ from each other 0 %" in caplog.text
    assert look(10) == 0
    flattened(run, 1000.0)
    assert look(5) == 0
    flattened(run, 1 / 1000)
    assert look(10) == 1


WILD = {"optimizers.G.lr": 0.05, "optimizers.G.betas": [0.9, 0.999]}


@pytest.mark.parametrize(
    ("name", "wild_from", "steps", "text"),
    [
        ("gan", 9999, 600, ""),
        ("gan", 600, 800, "the samples collapse"),  # after they were wide
        ("gan", 0, 1000, "step 1000: the samples have not begun to differ"),
        ("consensus", 9999, 400, ""),
    ],
)
def test_only_a_collapsing_run_is_warned_of(
    name: str,
    wild_from: int,
    steps: int,
    text: str,
    digits: Data,
    caplog: pytest.LogCaptureFixture,
) -> None:
    recipe = find_recipe(name)
    run = begin(recipe, digits, seed=0, device=CPU)
    observe = collapse.collapse_warning(recipe, digits, seed=0)
    while run.step < steps:
        if run.step == wild_from:
            recipe = with_settings(recipe, WILD)
            for optimizer in run.optimizers.values():
                optimizer.param_groups[0]["betas"] = (0.9, 0.999)
        observe(run, one_step(run, recipe, digits, seed=0, device=CPU))
    assert len(caplog.records) == bool(text)
    assert text in caplog.text


def test_variety_is_one_minus_the_mean_correlation() -> None:
    images = torch.randn(30, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    between = np.corrcoef(images.flatten(1).double().numpy())
    expected = 1 - (between.sum() - 30) / (30 * 29)
    assert collapse.variety(images) == pytest.approx(expected, abs=1e-6)
    brighter = images[:1] * torch.linspace(0.5, 2, 30)[:, None, None, None] + 0.1
    assert collapse.variety(brighter) == pytest.approx(0, abs=1e-5)


def test_spread_is_the_distance_between_two_images() -> None:
    images = torch.randn(30, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    distances = torch.pdist(images.flatten(1).double())
    assert collapse.spread(images) == pytest.approx(float(distances.square().mean().sqrt()))


@pytest.fixture
def board_calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """A stand-in for TensorBoard, which is no dependency, that keeps what it is told."""
    calls: list[tuple[object, ...]] = []

    class Writer:
        def __init__(self, folder: str, purge_step: int) -> None:
            calls.append(("open", folder, purge_step))

        def add_scalar(self, name: str, value: float, step: int) -> None:
            calls.append((name, value, step))

        def add_image(self, name: str, image: Any, step: int, *, dataformats: str) -> None:
            assert dataformats == "HWC"
            calls.append((name, image.shape, step))

        def close(self) -> None:
            calls.append(("close",))

    module = types.ModuleType("torch.utils.tensorboard")
    module.__dict__["SummaryWriter"] = Writer
    package = types.ModuleType("tensorboard")
    package.__spec__ = importlib.machinery.ModuleSpec("tensorboard", None)
    monkeypatch.setitem(sys.modules, "tensorboard", package)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    return calls


def test_tensorboard_gets_terms_and_scores(
    tmp_path: Path,
    board_calls: list[tuple[object, ...]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    watch = Watch(grid_every=5, scoring=SCORING)
    run_training("gan", folder=tmp_path, steps=board.EVERY, watch=watch)
    run_training("gan", folder=tmp_path, steps=board.EVERY + 1, resume=True, watch=watch)
    rows = [json.loads(line) for line in (tmp_path / METRICS).read_text().splitlines()]
    term = rows[board.EVERY - 1]["D/adversarial"]
    assert ("D/adversarial", term, board.EVERY) in board_calls
    assert [call[2] for call in board_calls if call[0] == "score/kid"] == [2, 4, 6, 8, 10, 11]
    assert [call for call in board_calls if call[0] == "samples"] == [
        ("samples", (526, 526, 3), step) for step in (5, 10)
    ]
    opened = [call for call in board_calls if call[0] == "open"]
    assert opened == [("open", str(tmp_path / "tensorboard"), at) for at in (1, board.EVERY + 1)]
    assert board_calls[-1] == ("close",)
    assert f"tensorboard --logdir {tmp_path / 'tensorboard'}" in caplog.text


def test_without_tensorboard_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with board.tensorboard(RunFiles(tmp_path), grid_every=5) as observe:
        assert observe is None


def test_rows_are_cut_where_the_run_stands(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"step": 1, "a": 0.5}\n{"step": 2, "a": 0.25}\n{"step": 3, "a"')
    with Rows(path, step=2) as rows:
        assert rows.last == 2
    with Rows(path, step=1) as rows:
        assert rows.last == 1
        rows.append(5, {"a": 1.0})
        rows.sync()
        assert path.read_text() == '{"step": 1, "a": 0.5}\n{"step": 5, "a": 1.0}\n'
    path.write_text('{"step": 1, "a": 0.5}')  # torn just before its end
    with Rows(path, step=1) as rows:
        assert rows.last == 0
    with Rows(tmp_path / "new.jsonl", step=9) as rows:
        assert rows.last == 0
