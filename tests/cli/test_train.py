"""Train, sample, score: from nothing to a number without leaving the command line."""

import io
import json
import logging
import re
import sys
import zipfile
from pathlib import Path

import click
import numpy as np
import PIL.Image
import pytest
import torch

from ganeval.cli.call import Call
from ganeval.cli.training_display import training_display
from ganeval.generators.card import parse_checkpoint
from reference_models.engine.data import open_data
from reference_models.engine.session import find_recipe
from reference_models.engine.train import begin
from tests.command import Command


@pytest.fixture
def checkpoint(tmp_path: Path, ganeval: Command) -> Path:
    done = ganeval("train", "gan", "--steps", "3", "--out", tmp_path / "run")
    assert done.code == 0
    assert done.out == f"{tmp_path / 'run' / 'gan.safetensors'}\n"
    return tmp_path / "run" / "gan.safetensors"


def test_training_leaves_one_checkpoint_and_a_grid(checkpoint: Path) -> None:
    assert [path.name for path in checkpoint.parent.glob("*.safetensors")] == ["gan.safetensors"]
    with PIL.Image.open(checkpoint.parent / "samples.png") as grid:
        assert grid.size == (526, 526)
    lines = (checkpoint.parent / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3]


def test_a_checkpoint_is_scored_with_no_further_flag(checkpoint: Path, ganeval: Command) -> None:
    words = ("fid", "data:digits,split=test,size=16", f"generator:{checkpoint},num_images=40")
    first = ganeval(*words, "--extractor", "random", "--json")
    assert first.code == 0
    again = ganeval(*words, "--extractor", "random", "--json", "--no-cache")
    scores = [json.loads(one.out)["scores"] for one in (first, again)]
    assert scores[0] == scores[1]
    assert scores[0][0]["num_sample"] == 40


def test_samples_are_exactly_so_many_and_resumable(
    checkpoint: Path, tmp_path: Path, ganeval: Command
) -> None:
    folder = tmp_path / "samples"
    assert ganeval("sample", checkpoint, "-n", 20, "-o", folder).out == f"{folder}: 20 samples\n"
    names = sorted(path.name for path in folder.iterdir())
    assert names == [f"{number:05}.png" for number in range(20)]
    before = {name: (folder / name).read_bytes() for name in names}
    (folder / names[7]).unlink()
    assert ganeval("sample", checkpoint, "-n", 20, "-o", folder).code == 0
    assert {name: (folder / name).read_bytes() for name in names} == before
    ganeval("sample", checkpoint, "-n", 20, "-o", tmp_path / "samples.zip")
    with zipfile.ZipFile(tmp_path / "samples.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == before
    ganeval("sample", checkpoint, "-n", 3, "-o", tmp_path / "few")
    assert (tmp_path / "few" / "00002.png").read_bytes() == before["00002.png"]
    ganeval("sample", checkpoint, "-n", 3, "-o", tmp_path / "other", "--seed", 1)
    assert (tmp_path / "other" / "00002.png").read_bytes() != before["00002.png"]
    with PIL.Image.open(folder / "00000.png") as picture:
        assert np.asarray(picture).shape == (16, 16, 3)


def test_samples_and_the_checkpoint_score_the_same(
    checkpoint: Path, tmp_path: Path, ganeval: Command
) -> None:
    ganeval("sample", checkpoint, "-n", 30, "-o", tmp_path / "samples")
    values = [
        json.loads(ganeval("fid", "data:digits", sample, "--extractor", "random", "--json").out)[
            "scores"
        ][0]["value"]
        for sample in (tmp_path / "samples", f"generator:{checkpoint},num_images=30")
    ]
    assert values[0] == values[1]


def test_other_files_in_the_folder_are_an_error(
    checkpoint: Path, tmp_path: Path, ganeval: Command
) -> None:
    folder = tmp_path / "samples"
    folder.mkdir()
    (folder / "notes.txt").touch()
    found = ganeval("sample", checkpoint, "-n", 3, "-o", folder)
    assert "holds other files, such as notes.txt" in found.error
    assert "at least 1" in ganeval("sample", checkpoint, "-n", 0, "-o", folder).error


def test_training_refuses_what_it_cannot_do(tmp_path: Path, ganeval: Command) -> None:
    out = ("--out", tmp_path / "run")
    assert "did you mean 'dcgan'" in ganeval("train", "dcgna", *out).error
    odd = ganeval("train", "dcgan", "--data", "data:digits,size=20", *out)
    assert (odd.code, odd.out) == (2, "")
    assert "images of 20 pixels; needed: 8, 16, 32, 64, ...; resize them: " in odd.error
    assert not (tmp_path / "run").exists()
    assert "has points" in ganeval("train", "dcgan", "--data", "ring8", *out).error
    assert "at least 1" in ganeval("train", "gan", "--steps", 0, *out).error
    assert "leave out --resume" in ganeval("train", "gan", "--resume", *out).error
    ganeval("train", "gan", "--steps", 1, *out)
    assert "holds a run already" in ganeval("train", "gan", "--steps", 2, *out).error
    found = ganeval("train", "gan", "--steps", 2, "--seed", 1, "--resume", *out)
    assert "seed was 0, now it is 1" in found.error


def test_a_run_that_is_at_its_last_step_says_so(tmp_path: Path, ganeval: Command) -> None:
    words = ("train", "gan", "--out", tmp_path / "run", "--grid-every", 0, "--steps")
    assert "already" not in ganeval(*words, 2).err
    for steps in (1, 2):
        found = ganeval(*words, steps, "--resume")
        assert found.code == 0
        (line,) = [one for one in found.err.splitlines() if "already" in one]
        assert line.startswith(
            f"ganeval: warning: {tmp_path / 'run'}: is at step 2 already, so not"
        )
    assert "already" not in ganeval(*words, 3, "--resume").err


def test_scores_during_training(tmp_path: Path, ganeval: Command) -> None:
    words = ("--eval-extractor", "random", "--eval-images", 24, "--eval-metrics", "fid,pr:k=2")
    held_out = ("--eval-reference", "data:digits,split=test,size=16")
    done = ganeval(
        *("train", "gan", "--steps", 4, "--out", tmp_path, "--grid-every", 3),
        *("--eval-every", 2, *words, *held_out),
    )
    assert done.code == 0
    rows = [json.loads(line) for line in (tmp_path / "curve.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [2, 4]
    assert {row["reference"] for row in rows} == {held_out[1]}
    assert {"fid", "precision:k=2", "recall:k=2"} < rows[0].keys()
    assert [path.name for path in (tmp_path / "samples").iterdir()] == ["000003.png"]
    checkpoint = f"generator:{tmp_path / 'gan.safetensors'},num_images=24"
    found = ganeval("fid", held_out[1], checkpoint, "--extractor", "random", "--json")
    assert json.loads(found.out)["scores"][0]["value"] == rows[-1]["fid"]


def test_files_of_a_run_that_are_no_images_say_what_they_are(
    tmp_path: Path, ganeval: Command
) -> None:
    words = ("--data", "ring8", "--preset", "points", "--steps", 1, "--out", tmp_path)
    assert ganeval("train", "gan", *words).code == 0
    for name, what in (
        (
            "gan.npz",
            "samples of a generator of points (arr_0 float32 [10000, 2]); needed: images, or a ",
        ),
        (
            "state.pt",
            "the state of a run, from which `ganeval train --resume` goes on; needed: a gener",
        ),
    ):
        for command in (
            ("fid", "data:digits", tmp_path / name, "--extractor", "random"),
            ("sample", tmp_path / name, "-n", 1, "-o", tmp_path / "out"),
        ):
            assert f"error: {tmp_path / name}: {what}" in ganeval(*command).error


def test_without_a_terminal_training_says_nothing(tmp_path: Path, ganeval: Command) -> None:
    assert ganeval("train", "gan", "--steps", 2, "--out", tmp_path).err == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_display_shows_everything_on_any_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"COLUMNS": str(width), "LINES": "24", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stderr", Terminal())
    recipe = find_recipe("gan")
    run = begin(recipe, open_data("digits"), seed=0, device=torch.device("cpu"))
    terms = {f"player{number}/a_long_term": 1 / 3 for number in range(9)}
    with call(), training_display("gan", 2000, 64) as (observe,):
        observe(run, {})
        run.step = 40
        observe(run, {**terms, "score/fid": 12.3456})
        run.step = 41
        observe(run, terms)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", sys.stderr.getvalue())
    *_, last = text.split("gan ")
    assert "41/2,000" in last
    assert "images/s" in last
    assert re.search(r"\d+:\d\d left", last)
    shown = last.split()
    assert [f"{name}={value:.3g}" in shown for name, value in terms.items()] == [True] * 9
    assert "score/fid=12.3" in shown
    assert max(len(line.rstrip()) for line in last.splitlines()) <= width


@pytest.mark.parametrize(
    ("model", "data", "noun"),
    [("gan", "digits", "images"), ("gan", "ring8", "points"), ("audio-sr", "tones", "clips")],
)
def test_the_speed_is_told_in_what_the_run_is_trained_on(
    model: str, data: str, noun: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = begin(find_recipe(model), open_data(data), seed=0, device=torch.device("cpu"))
    with call(), training_display(model, 9, 2) as (observe,):
        for run.step in (0, 1, 2):
            observe(run, {"score/x": 1.0} if run.step else {})
    told = capsys.readouterr().err
    assert re.findall(r" ([a-z]+)/s", told) == [noun]


def call() -> click.Context:
    return click.Context(click.Command("train"), obj=Call([]))


def test_nothing_is_drawn_where_nobody_would_see_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    logging.getLogger("ganeval").setLevel(logging.ERROR)
    with call(), training_display("gan", 2000, 64) as observers:
        assert observers == []


def test_without_a_terminal_a_line_comes_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = find_recipe("gan")
    run = begin(recipe, open_data("digits"), seed=0, device=torch.device("cpu"))

    def lines_of(steps: range) -> list[str]:
        with call(), training_display("gan", 2000, 64) as (observe,):
            observe(run, {})
            for run.step in steps:
                score = {"score/fid": 9.5} if run.step == 20 else {}
                observe(run, {"D/adversarial": 1 / 3, **score})
        return capsys.readouterr().err.splitlines()

    (line,) = lines_of(range(1, 40))  # within seconds: the score alone
    assert re.fullmatch(
        r"gan: step 20/2,000 .*images/s .*left  D/adversarial=0.333  score/fid=9.5", line
    )
    monkeypatch.setattr("ganeval.cli.training_display.LINE_SECONDS", 0.0)
    lines = lines_of(range(41, 50))
    assert [line[:13] for line in lines] == [f"gan: step {step}/" for step in range(41, 50)]


def test_settings_are_shown_as_they_would_be(tmp_path: Path, ganeval: Command) -> None:
    plain = ganeval("train", "sngan", "--show")
    assert plain.code == 0
    assert "generator.width = 32" in plain.out.splitlines()
    assert "\n# --preset paper: generator.latent_size = 128, " in plain.out
    config = tmp_path / "mine.toml"
    config.write_text("batch_size = 16\n[optimizers.D]\nlr = 1e-4\n")
    words = ("--preset", "paper", "--config", config, "--set", "optimizers.D.lr=3e-4")
    shown = ganeval("train", "sngan", *words, "--steps", 7, "--show").out.splitlines()
    assert {
        *("generator.width = 64", "batch_size = 16", "optimizers.D.lr = 0.0003", "steps = 7"),
    } < set(shown)
    assert not (tmp_path / "runs").exists()
    # What is shown is a file that gives the same again.
    config.write_text("\n".join(shown))
    assert ganeval("train", "sngan", "--config", config, "--show").out.splitlines() == shown


def test_a_set_number_is_trained_with_and_written_into_the_card(
    tmp_path: Path, ganeval: Command
) -> None:
    words = ("train", "gan", "--out", tmp_path, "--set", "batch_size=8", "--set")
    assert ganeval(*words, "generator.width=16", "--steps", 2).code == 0
    going_on = ganeval("train", "gan", "--out", tmp_path, "--steps", 3, "--resume")
    assert (going_on.code, going_on.err) == (0, "")
    card, _ = parse_checkpoint((tmp_path / "gan.safetensors").read_bytes(), name="gan")
    assert (card.kwargs["width"], card.settings["batch_size"], card.step) == (16, 8, 3)
    refused = ganeval("train", "gan", "--out", tmp_path, "--set", "batch_size=9", "--resume")
    assert refused.code == 2
    assert "state.pt: batch_size was 8, now it is 9" in refused.err
    for wrong, said in (("batch=8", "did you mean 'batch_size'?"), ("batch_size", "NAME=VALUE")):
        refused = ganeval("train", "gan", "--set", wrong)
        assert refused.code != 0
        assert said in refused.err
