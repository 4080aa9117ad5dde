"""The tour with a few steps and the network without meaning: what it leaves, says and refuses."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import PIL.Image
import pytest
import torch
from safetensors.numpy import load_file

import ganeval
from ganeval.sources.arrays.datasets import digits
from reference_models.engine.run import Observer, Run
from reference_models.engine.solvers import Log
from reference_models.tour.learning_curves import write_learning_curves
from reference_models.tour.sheet import write_sheet
from reference_models.tour.tour import HELD_OUT, REAL, TOUR, TRAINING, Scored, Tour, run_tour
from reference_models.tour.words import explain

QUICK = Tour(steps={"gan": 4, "dcgan": 2}, num_scores=2, extractor="random", num_images=24)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tour") / "quickstart"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> ganeval.Settings:
    return ganeval.Settings(cache_dir=tmp_path_factory.mktemp("features"))


@pytest.fixture(scope="module")
def scored(folder: Path, settings: ganeval.Settings) -> Scored:
    return run_tour(QUICK, folder, settings)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file by its relative name, without the folder's own name in it."""
    return {
        str(path.relative_to(folder)): path.read_bytes().replace(str(folder).encode(), b"FOLDER")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_folder_holds_what_was_promised(scored: Scored, folder: Path) -> None:
    def of_run(model: str, *grids: str) -> set[str]:
        names = (
            *("curve.jsonl", "curve.png", "metrics.jsonl", "samples.png", "state.pt"),
            *(f"{model}.safetensors", f"best/{model}.safetensors", "settings.toml"),
            ".ganeval-run.json",
        )
        return {f"{model}/{name}" for name in (*names, *(f"samples/{grid}.png" for grid in grids))}

    assert set(contents(folder)) == {
        *("report.json", "report.influence.safetensors", "table.md", ".ganeval-tour.json"),
        *("samples.png", "learning-curves.png"),
        *of_run("gan", "000002", "000004"),
        *of_run("dcgan", "000001", "000002"),
        *("untrained/gan.safetensors", "untrained/dcgan.safetensors"),
    }
    report = ganeval.Report.load(folder / "report.json")
    assert report.scores == scored.report.scores
    assert {(row.sample, row.reference) for row in report.scores if row.name != "is"} == {
        (sample, TRAINING)
        for sample in (
            HELD_OUT,
            *(str(folder / model / f"{model}.safetensors") for model in QUICK.steps),
            *(str(folder / "untrained" / f"{model}.safetensors") for model in QUICK.steps),
        )
    }
    table = (folder / "table.md").read_text(encoding="utf-8")
    assert [sample in table for sample in scored.samples.values()] == [True] * 5


def test_a_checkpoint_is_scored_as_the_toolkit_scores_it(
    scored: Scored, settings: ganeval.Settings
) -> None:
    for name in ("gan", "untrained dcgan"):
        report = ganeval.evaluate(
            sample=f"generator:{scored.samples[name]},num_images=24",
            reference=TRAINING,
            metrics=["fid"],
            extractor="random",
            cache_dir=settings.cache_dir,
        )
        assert report["fid"].value == scored.report[scored.samples[name], "fid"].value


def test_curves_go_from_the_untrained_score_of_the_table_to_the_trained_one(
    scored: Scored, folder: Path, settings: ganeval.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[Any, Any]] = []
    monkeypatch.setattr(
        "reference_models.tour.tour.write_learning_curves",
        lambda path, curves, real, *, real_name: drawn.append((curves, real)),
    )
    run_tour(QUICK, folder, settings)

    def in_table(sample: str) -> dict[str, float]:
        names = ("fid", "precision", "recall")
        return {name: scored.report[scored.samples[sample], name].value for name in names}

    ((curves, real),) = drawn
    assert real == in_table(REAL)
    for model, images in (("gan", [0, 128, 256]), ("dcgan", [0, 64, 128])):
        assert [row["images"] for row in curves[model]] == images
        assert in_table(f"untrained {model}").items() <= curves[model][0].items()
        assert in_table(model).items() <= curves[model][-1].items()


def test_the_last_score_of_the_real_tour_is_at_its_end() -> None:
    assert [steps % TOUR.num_scores for steps in TOUR.steps.values()] == [0, 0]


def test_the_numbers_in_the_sentences_are_those_of_the_report(scored: Scored) -> None:
    said = set()
    for sentence in explain(scored):
        score, _, text = sentence.partition(": ")
        said.add(score)
        values = [f"{scored.report[sample, score].value:.3g}" for sample in scored.samples.values()]
        numbers = re.findall(r"-?\d+(?:\.\d+)?(?:e[+-]\d+)?", text)
        assert set(numbers) <= {*values, "0", "360"}
        for model in QUICK.steps:
            value = scored.report[scored.samples[model], score].value
            assert re.search(rf"{model} (from \S+ to )?{re.escape(f'{value:.3g}')}", text)
    assert said == {row.name for row in scored.report.scores}


def test_the_tour_again_is_the_same(
    scored: Scored, folder: Path, settings: ganeval.Settings
) -> None:
    before = contents(folder)
    assert explain(run_tour(QUICK, folder, settings)) == explain(scored)
    assert contents(folder) == before


def test_a_tour_that_was_cut_goes_on(
    scored: Scored, folder: Path, settings: ganeval.Settings, tmp_path: Path
) -> None:
    begun: dict[str, dict[str, object]] = {}
    threads = torch.get_num_threads()

    @contextmanager
    def cut(model: str, steps: int, batch_size: int) -> Iterator[list[Observer]]:
        assert (steps, batch_size) == (QUICK.steps[model], 64)

        def observe(run: Run, log: Log) -> None:
            assert torch.get_num_threads() == 1
            if not log:
                state = run.average.state_dict()
                begun[model] = {name: value.numpy().copy() for name, value in state.items()}
            elif model == "dcgan":
                raise KeyboardInterrupt

        yield [observe]

    cut_folder = tmp_path / "quickstart"
    torch.set_num_threads(2)
    with pytest.raises(KeyboardInterrupt):
        run_tour(QUICK, cut_folder, settings, display=cut)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(threads)
    assert not (cut_folder / "report.json").exists()
    run_tour(QUICK, cut_folder, settings)
    whole, resumed = contents(folder), contents(cut_folder)
    for name in (
        "table.md",
        "report.influence.safetensors",
    ):  # as wide as the folder's name is long
        assert whole.pop(name) != b""
        assert resumed.pop(name) != b""
    assert resumed == whole
    for model, start in begun.items():
        untrained = load_file(cut_folder / "untrained" / f"{model}.safetensors")
        np.testing.assert_equal(untrained, start)


def test_another_seed_and_other_folders_are_refused(
    scored: Scored, folder: Path, tmp_path: Path
) -> None:
    before = contents(folder)
    with pytest.raises(ganeval.GanevalError, match="seed was 0, now it is 1"):
        run_tour(QUICK, folder, ganeval.Settings(seed=1))
    assert contents(folder) == before
    (tmp_path / "thesis.tex").touch()
    for place, words in ((tmp_path, "holds something else"), (tmp_path / "thesis.tex", "a file")):
        with pytest.raises(ganeval.GanevalError, match=f"{words}.*--out"):
            run_tour(QUICK, place, ganeval.Settings())
    assert list(contents(tmp_path)) == ["thesis.tex"]


def test_the_sheet_shows_the_first_pictures_of_each_sample(scored: Scored, folder: Path) -> None:
    with PIL.Image.open(folder / "samples.png") as picture:
        sheet = np.asarray(picture)
    left = sheet.shape[1] - 12 * 68
    assert sheet.shape[0] == 5 * 68
    real = ganeval.open_source(HELD_OUT, policy=ganeval.Settings().decode)
    third = real.load([2])[0].picture().pixels.transpose(1, 2, 0)
    cell = sheet[2 : 2 + 64, left + 2 * 68 : left + 2 * 68 + 64]
    np.testing.assert_array_equal(cell[::4, ::4], third)
    assert all(sheet[row * 68 : row * 68 + 68, :left].min() == 0 for row in range(5))  # a name


@pytest.mark.parametrize("name", ["gan", "a model with a long name"])
def test_the_sheet_leaves_room_for_its_names(name: str, tmp_path: Path) -> None:
    white = np.full((1, 3, 16, 16), 255, np.uint8)
    write_sheet(tmp_path / "sheet.png", {"a": white, name: white})
    with PIL.Image.open(tmp_path / "sheet.png") as picture:
        dark = np.nonzero(np.asarray(picture).min((0, 2)) < 128)[0]
        left = picture.width - 68
    assert dark[0] >= 10
    assert left - 16 <= dark[-1] <= left - 10


def test_learning_curves_are_drawn_where_the_scores_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)  # others may use it
    rows = [{"images": n, "fid": 100 / n, "precision": n / 4, "recall": 0.5} for n in (1, 2, 3)]
    flat = [row | {"precision": 0.0} for row in rows]
    real = {"fid": 5.0, "precision": 0.9, "recall": 0.9}
    style = matplotlib.rcParams.copy()
    for path in (tmp_path / "once.png", tmp_path / "twice.png"):
        write_learning_curves(path, {"one": rows, "two": flat}, real, real_name="real")
    assert (tmp_path / "once.png").read_bytes() == (tmp_path / "twice.png").read_bytes()
    assert dict.__eq__(matplotlib.rcParams, style)  # `==` would choose a backend
    assert "matplotlib.pyplot" not in sys.modules
    with PIL.Image.open(tmp_path / "once.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert pixels.shape == (400, 1000, 3)
    middle = pixels[:, 340:660]  # the panel of precision: one line rises, the other stays at 0
    blue, orange = (
        np.argwhere((middle == colour).all(2)) for colour in ((0, 114, 178), (213, 94, 0))
    )
    assert np.ptp(blue[:, 0]) > 150
    rising = blue[blue[:, 1] > 60]
    assert np.corrcoef(rising[:, 1], rising[:, 0])[0, 1] < -0.5
    assert np.median(orange[:, 0]) > blue[:, 0].max() - 40


def test_the_held_out_digits_are_not_the_training_ones() -> None:
    training, held_out = ({image.tobytes() for image in digits(s)[0]} for s in ("train", "test"))
    assert not training & held_out
