"""The tour on real digits: what each way to spoil a sample does to each metric."""

import json
from pathlib import Path

from ganeval.sources.datasets import digits
from tests.command import Command


def test_quickstart_is_a_tour(tmp_path: Path, ganeval: Command) -> None:
    out = tmp_path / "tour"
    shown = ganeval("quickstart", "--out", out)
    assert shown.code == 0
    assert "recall: the share of real digits" in shown.out
    report = json.loads((out / "report.json").read_text())
    scores = {
        (Path(score["sample"]).name, score["name"]): score["value"] for score in report["scores"]
    }
    assert len(list((out / "reference").iterdir())) == len(digits("train")[0]) == 1437
    for spoiled in ("noisy", "blurred", "half-the-classes", "few-repeated"):
        assert scores[spoiled, "fid"] > scores["real", "fid"]
        assert scores[spoiled, "kid"] > scores["real", "kid"]
        assert scores[spoiled, "coverage"] < scores["real", "coverage"]
    for spoiled in ("noisy", "blurred"):
        assert scores[spoiled, "precision"] < scores["real", "precision"] - 0.2
    assert scores["half-the-classes", "precision"] > scores["real", "precision"] - 0.05
    assert scores["half-the-classes", "recall"] < scores["real", "recall"] - 0.1
    assert scores["few-repeated", "recall"] < 0.1
    assert (out / "samples.png").stat().st_size > 10_000
    assert "| sample" in (out / "table.md").read_text(encoding="utf-8")
    again = ganeval("quickstart", "--out", out)
    assert again.out == shown.out
    assert " 0 computed" in again.err
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").touch()
    assert "holds something else" in ganeval("quickstart", "--out", other).error
    assert [path.name for path in other.iterdir()] == ["thesis.tex"]
