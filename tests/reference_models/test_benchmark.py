"""The parts of a benchmark: what a suite may say, and how its pictures are drawn."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

import ganeval
from reference_models import MODELS
from reference_models.benchmark.pictures import draw_curves, write_samples
from reference_models.benchmark.record import Record, read_record, seconds_of, write_record
from reference_models.benchmark.suite import DataSet, Given, Program, Trained, read_suite
from reference_models.benchmark.trials import (
    Trial,
    check_trials,
    is_done,
    trials_of,
)
from reference_models.benchmark.work import carry_out
from reference_models.engine import train
from reference_models.engine.session import find_recipe

BENCHMARKS = Path(__file__).parents[2] / "reference_models" / "benchmarks"
DATA = """
[data.digits]
source = "digits"
reference = "data:digits,split=test,size=16"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "suite.toml"
    path.write_text(text)
    return path


def test_a_suite_says_all_that_it_can(tmp_path: Path) -> None:
    text = f"""
    seeds = [3, 4]
    steps = 7
    settings.optimizers.D.lr = 1e-3
    save_every = 5
    grid_every = 6
    {DATA}
    [data.faces]
    source = "folder:faces/,size=32"
    [scoring]
    metrics = ["kid", "pr:k=5"]
    rank = "precision:k=5"
    extractor = "random"
    num_images = 50
    eval_every = 2
    [models]
    dcgan = {{}}
    slow = {{model = "gan", steps = 9, settings = {{batch_size = 8, "optimizers.D.lr" = 1e-4}}}}
    large = {{model = "sngan", preset = "paper", data = "faces"}}
    theirs = {{checkpoint = "generator:x.pth,entry=a:B"}}
    pictures = {{folder = "made/{{seed}}"}}
    mine = {{command = "train {{data}} {{seed}}", makes = "{{folder}}/g.safetensors"}}
    """
    suite = read_suite(written(tmp_path, text))
    assert (suite.seeds, suite.save_every, suite.grid_every) == ((3, 4), 5, 6)
    faces = "folder:faces/,size=32"
    assert suite.data["faces"] == DataSet(source=faces, reference=faces)
    scoring = suite.scoring
    assert (scoring.metrics, scoring.rank) == (("kid", "pr:k=5"), "precision:k=5")
    assert (scoring.num_images, scoring.eval_images, scoring.eval_every) == (50, 50, 2)
    ways = {name: model.way for name, model in suite.models.items()}
    rate = {"optimizers.D.lr": 1e-3}
    assert ways["dcgan"] == Trained(model="dcgan", steps=7, settings=rate)
    slow = {"optimizers.D.lr": 1e-4, "batch_size": 8}
    assert ways["slow"] == Trained(model="gan", steps=9, settings=slow)
    assert ways["large"].settings == {**rate, **find_recipe("sngan").presets["paper"]}
    assert suite.models["large"].data == ("faces",)
    assert suite.models["slow"].data == ("digits", "faces")
    assert ways["theirs"] == Given(source="generator:x.pth,entry=a:B")
    assert ways["pictures"] == Given(source="made/{seed}")
    assert ways["mine"] == Program(command="train {data} {seed}", makes="{folder}/g.safetensors")
    trials = {trial.name: trial for trial in trials_of(suite, Path("out"))}
    assert [name for name in trials if name.startswith(("large", "theirs", "pictures"))] == [
        *("large/faces/seed-3", "large/faces/seed-4", "theirs/digits", "theirs/faces"),
        *(f"pictures/{data}/seed-{seed}" for data in ("digits", "faces") for seed in (3, 4)),
    ]
    assert trials["pictures/faces/seed-4"].last == "made/4"
    mine = trials["mine/digits/seed-3"]
    assert mine.folder == Path("out/mine/digits/seed-3")
    assert mine.filled(ways["mine"].command) == "train digits 3"
    assert mine.last == str(Path("out/mine/digits/seed-3/g.safetensors"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seeds = [0", "suite.toml: .*; needed: a suite as TOML"),
        ("[models]\ngan = {}", r"suite.toml: no \[data\]; needed: at least one"),
        (DATA, r"suite.toml: no \[models\]"),
        ("seed = [1]", "unknown key in .*suite.toml 'seed'; .*did you mean 'seeds'"),
        (
            "seeds = [0, 0]",
            r"suite.toml: seeds = \[0, 0\]; needed: at least one seed, each only once",
        ),
        ("seeds = [-1]", r"suite.toml: seeds is \[-1\]; needed: a list of whole numbers"),
        ("steps = '7'", "suite.toml: steps is '7'; needed: a whole number"),
        ("[scoring]\nmetric = ['fid']", r"key of \[scoring\] in .* 'metric'.*'metrics'"),
        ("[scoring]\nmetrics = []", r"metrics of \[scoring\] is \[\]; needed: at least one metric"),
        (
            "[scoring]\nseed = 0",
            r"seed of \[scoring\] is 0, which is also the seed of a training run",
        ),
        ("[data.x]\nreference = 'a:'", r"\[data.x\] has no source; needed: training images"),
        (
            "[data.x]\nsource = 'digits'",
            r"\[data.x\] has no reference; needed: images to compare with",
        ),
        ("[data.x]\nsrc = 'digits'", r"key of \[data.x\] in .* 'src'"),
        ("[models]\ndcgn = {}", r"model of \[models.dcgn\] in .* 'dcgn'; .*'dcgan'"),
        ("[models]\na = {model = 'gan', stps = 1}", r"key of \[models.a\] .*'stps'.*'steps'"),
        ("[models]\ngan = 3", r"\[models.gan\] is 3; needed: a table"),
        ("[models]\ngan = {steps = 0}", r"steps of \[models.gan\] is 0; needed: at least 1"),
        ("[models]\ngan = {preset = 'papr'}", "unknown preset of gan 'papr'"),
        ("[models]\ngan = {data = 'digit'}", r"data of \[models.gan\] in .*did you mean 'digits'"),
        ("[models]\ngan = {data = []}", r"data of \[models.gan\] is \[\]"),
        (
            "[models]\na = {checkpoint = 'x', steps = 1}",
            r"steps of \[models.a\] together with checkpoint",
        ),
        ("[models]\na = {command = 'x'}", r"\[models.a\] has no makes"),
        ("[models]\na = {command = 'x {sed}', makes = 'y'}", r"place of command .*'seed'"),
        ("[models]\na = {folder = 'x {'}", r"folder of \[models.a\] is 'x \{'"),
        (
            "[models]\n'a/b' = {model = 'gan'}",
            r"'a/b' in \[models\]; needed: a name of letters, digits",
        ),
        ("[models]\n'..' = {model = 'gan'}", r"'..' in \[models\]"),
    ],
)
def test_a_broken_suite_is_refused_with_file_and_key(
    text: str, message: str, tmp_path: Path
) -> None:
    has_both = "[models]\ngan = {}" in text or text in (DATA, "seeds = [0")
    models = "" if has_both or "[models]" in text else "\n[models]\ngan = {}\n"
    before = "" if has_both or "[data" in text else DATA
    # Keys of the whole suite come before every table.
    parts = [before, text] if text.startswith("[models") else [text, before]
    with pytest.raises(ganeval.GanevalError, match=message) as caught:
        read_suite(written(tmp_path, "\n".join([*parts, models])))
    assert "suite.toml" in str(caught.value) or "preset" in message


def test_a_suite_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ganeval.GanevalError, match=r"none.toml: no such file; needed: a suite"):
        read_suite(tmp_path / "none.toml")


@pytest.mark.parametrize("path", sorted(BENCHMARKS.glob("*.toml")), ids=lambda path: path.stem)
def test_the_suites_that_come_with_it_can_be_read(path: Path) -> None:
    suite = read_suite(path)
    for trial in trials_of(suite, Path("out")):
        assert trial.recipe.steps == suite.models[trial.model].way.steps
    if path.stem == "digits":
        others = {"pix2pix", "cyclegan", "srgan", "wavenet", "audio-sr"}  # of pairs, of sounds
        assert set(suite.models) == set(MODELS) - others


def first_trial(folder: Path, text: str) -> tuple[Trial, Any]:
    suite = read_suite(written(folder, text))
    return trials_of(suite, folder / "out")[0], suite


def test_what_cannot_begin_is_refused_before_any_training(tmp_path: Path) -> None:
    for models, message in {
        "a = {checkpoint = 'none.safetensors'}": "none.safetensors of a does not exist",
        "gan = {settings = {batch_sise = 1}}": "unknown setting of gan 'batch_sise'",
        "gan = {settings = {batch_size = 0}}": "setting batch_size is 0; needed: at least 1",
    }.items():
        trial, suite = first_trial(tmp_path, f"{DATA}[models]\n{models}")
        with pytest.raises(ganeval.GanevalError, match=message):
            check_trials([trial], suite)


def test_commands_that_make_one_path_are_refused(tmp_path: Path) -> None:
    text = f"seeds = [0, 1]\n{DATA}[models.mine]\ncommand = 'x'\nmakes = "
    suite = read_suite(written(tmp_path, text + "'{folder}/g.npz'"))
    check_trials(trials_of(suite, tmp_path / "out"), suite)
    suite = read_suite(written(tmp_path, text + "'g-{data}.npz'"))
    said = (
        "mine/digits/seed-1 and mine/digits/seed-0 both make g-digits.npz; needed: a different file"
    )
    with pytest.raises(ganeval.GanevalError, match=said):
        check_trials(trials_of(suite, tmp_path / "out"), suite)


def test_other_pictures_of_the_same_name_are_noticed(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    for number in range(3):
        path = tmp_path / "p" / f"{number}.png"
        PIL.Image.new("RGB", (16, 16), (number, 0, 0)).save(path)
    text = f"steps = 1\n[data.p]\nsource = 'folder:{tmp_path / 'p'}'\n[models]\ngan = {{}}\n"
    trial, suite = first_trial(tmp_path, text)
    found = check_trials([trial], suite)
    write_record(trial.folder, Record(specification=found[trial.name]))
    check_trials([trial], suite)
    path.write_bytes((tmp_path / "p" / "0.png").read_bytes())
    with pytest.raises(
        ganeval.GanevalError, match="gan/p/seed-0: the training images have changed; "
    ):
        check_trials([trial], suite)


def test_seconds_are_those_of_the_steps_alone_and_add_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]

    def slow_step(*args: Any, **options: Any) -> Any:
        now[0] += 2.0
        return one_step(*args, **options)

    one_step = train.one_step
    monkeypatch.setattr(train, "one_step", slow_step)
    monkeypatch.setattr(train.time, "perf_counter", lambda: now[0])
    scoring = "[scoring]\nmetrics = ['fid']\nextractor = 'random'\nnum_images = 20\n"
    for steps in (3, 5):
        trial, suite = first_trial(
            tmp_path, f"steps = {steps}\n{DATA}{scoring}[models]\ngan = {{}}\n"
        )
        specifications = check_trials([trial], suite)
        outcome = carry_out(trial, suite, specifications, ganeval.Settings(device="cpu"))
        assert outcome.error is None
        now[0] += 100.0
        assert is_done(trial)
    assert [seconds_of(trial.folder, step) for step in (0, 1, 3, 5, 9)] == [None, 2, 6, 10, 10]
    assert read_record(trial.folder).specification["steps"] == 5


def curves() -> Mapping[str, list[list[dict[str, float]]]]:
    def run(start: float) -> list[dict[str, float]]:
        return [{"images": 1000.0 * at, "kid": start / at} for at in (1, 2)]

    return {"gan": [run(1.0), run(2.0)], "wgan": [run(3.0)]}


def test_all_runs_of_a_model_have_one_colour() -> None:
    figure = draw_curves(curves(), {"kid": "lower"}, "digits")
    lines = figure.axes[0].get_lines()
    assert [list(line.get_xdata()) for line in lines] == [[1.0, 2.0]] * 3
    assert [list(line.get_ydata()) for line in lines] == [[1, 0.5], [2, 1], [3, 1.5]]
    colours = [line.get_color() for line in lines]
    assert colours[0] == colours[1] != colours[2]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["gan", "wgan"]
    assert figure.axes[0].get_title(loc="left") == "kid (lower is better)"


def test_samples_have_a_row_for_the_reference_and_one_for_each_trial(tmp_path: Path) -> None:
    trial, _ = first_trial(tmp_path, f"{DATA}[models]\na = {{folder = 'data:digits'}}\n")
    source = "data:digits,split=train,size=16"
    path = tmp_path / "samples.png"
    write_samples(path, [trial], [source], reference=trial.reference, seed=0)
    with PIL.Image.open(path) as sheet:
        assert sheet.height == 2 * 68
        assert sheet.width > 12 * 68
