"""`ganeval quickstart`: the table, what it says, and where to look; with a few steps of training.

What the tour leaves and refuses is in `tests/reference_models/test_tour.py`.
"""

import json
from pathlib import Path

import pytest

from reference_models.tour.tour import Tour
from tests.command import Command


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    tour = Tour(steps={"gan": 2, "dcgan": 1}, num_scores=1, extractor="random", num_images=20)
    monkeypatch.setattr("reference_models.tour.tour.TOUR", tour)


def test_quickstart_prints_a_table_and_what_it_means(tmp_path: Path, ganeval: Command) -> None:
    out = tmp_path / "tour"
    shown = ganeval("quickstart", "--out", out, "-v")
    assert shown.code == 0
    for words in ("reference data:digits,split=train,size=16 (1,437 images)", "fid: the distance"):
        assert words in shown.out
    files = [Path(line.split(": ")[0]) for line in shown.out.splitlines()[-6:]]
    names = ["samples.png", "learning-curves.png", "table.md", "report.json", "gan", "dcgan"]
    assert files == [out / name for name in names]
    assert all(path.exists() for path in files)
    assert "gan: 2 steps of training" in shown.err
    again = ganeval("quickstart", "--out", out, "-v")
    assert again.out == shown.out
    assert " 0 computed" in again.err
    as_json = ganeval("quickstart", "--out", out, "--json", "--quiet")
    assert as_json.err == ""
    assert as_json.out == (out / "report.json").read_text(encoding="utf-8")
    command = f"ganeval quickstart --out {out} --json --quiet"
    assert json.loads(as_json.out)["provenance"]["command"] == command


def test_quickstart_refuses_another_folder(tmp_path: Path, ganeval: Command) -> None:
    (tmp_path / "thesis.tex").touch()
    assert "holds something else" in ganeval("quickstart", "--out", tmp_path).error


def test_quickstart_that_was_interrupted_says_how_to_go_on(
    ganeval: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("reference_models.tour.tour.run_tour", interrupted)
    found = ganeval("quickstart", "--seed", 3)
    assert found.code == 130
    assert found.err.splitlines()[-1] == (
        "ganeval: interrupted; to continue: `ganeval quickstart --seed 3`"
    )
