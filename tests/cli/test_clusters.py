"""`--cluster-by` as users call it, on folders of small pictures."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from tests.bad_input.outcomes import card, refusal, report
from tests.command import Command
from tests.pictures import blobs

FAST = ("--extractor", "random", "--device", "cpu")


def crops(folder: Path, *, strength: float, name: Callable[[int, int], str], num: int = 40) -> Path:
    """Three noisy pictures of each of `num`."""
    rng = np.random.default_rng(int(strength))
    for at, picture in enumerate(blobs(num, seed=1)):
        for crop in range(3):
            noisy = np.clip(picture + rng.normal(0, strength, picture.shape), 0, 255)
            path = folder / name(at, crop)
            path.parent.mkdir(parents=True, exist_ok=True)
            PIL.Image.fromarray(noisy.astype(np.uint8)).save(path)
    return folder


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    def name(at: int, crop: int) -> str:
        return f"p{at:02}-{crop}.png"

    real = crops(tmp_path / "real", strength=1, name=name)
    return real, crops(tmp_path / "fake", strength=20, name=name)


def test_the_table_says_what_the_error_is_over(sides: tuple[Path, Path], ganeval: Command) -> None:
    naive = report(ganeval("ssim", *sides, "--json"))["scores"][0]
    outcome = ganeval("ssim", *sides, "--cluster-by", "name-prefix", "--json")
    row = report(outcome)["scores"][0]
    assert row["value"] == naive["value"]
    assert row["se"] > 1.3 * naive["se"]
    for side in sides:
        found = card(outcome, side)["clusters"]
        assert (found["by"], found["count"]) == ("name-prefix", 40)
    shown = ganeval("ssim", *sides, "--cluster-by", "name-prefix", "--notes", "all")
    assert shown.code == 0
    assert "ssim: standard error over 40 clusters of pairs" in shown.out


def test_a_score_without_such_an_error_says_so(sides: tuple[Path, Path], ganeval: Command) -> None:
    shown = ganeval("eval", *sides, "-m", "pr,ssim", *FAST, "--cluster-by", "name-prefix")
    assert shown.code == 0
    assert (
        "precision, recall: --cluster-by is given: this score has no error over clusters"
        in " ".join(shown.out.split())
    )


def test_too_few_clusters_are_one_line(sides: tuple[Path, Path], ganeval: Command) -> None:
    real, _ = sides
    line = refusal(ganeval("ssim", *sides, "--cluster-by", "folder"))
    assert (
        f"{real}: 1 cluster of 120 images by --cluster-by folder; needed: at least 20 for" in line
    )
    assert line.endswith("; use --cluster-by name-prefix, or leave it out")
    unknown = ganeval("ssim", *sides, "--cluster-by", "date")
    assert unknown.code == 2


def test_folders_are_clusters(tmp_path: Path, ganeval: Command) -> None:
    def name(at: int, crop: int) -> str:
        return f"{at}/{crop}.png"

    sides = [
        crops(tmp_path / folder, strength=strength, name=name)
        for folder, strength in (("real", 1), ("fake", 20))
    ]
    outcome = ganeval("ssim", *sides, "--cluster-by", "folder", "--json")
    assert report(outcome)["scores"][0]["notes"] == ["standard error over 40 clusters of pairs"]
    assert report(outcome)["provenance"]["cluster_by"] == "folder"


def test_the_gate_and_the_table_refuse_a_mix(
    sides: tuple[Path, Path], tmp_path: Path, ganeval: Command
) -> None:
    accepted, run, base = (tmp_path / f"{name}.json" for name in ("accepted", "run", "base"))
    by = ("--cluster-by", "name-prefix")
    assert ganeval("ssim", *sides, *by, "-o", accepted).code == 0
    assert ganeval("baseline", "accept", accepted, "-o", base).code == 0
    assert ganeval("ssim", *sides, "-o", run).code == 0
    asked = ("check", run, "--baseline", base, "--max-regress", "ssim=1")
    line = refusal(ganeval(*asked))
    assert "cluster-by is none in the run and name-prefix in the baseline" in line
    assert "score again with --cluster-by name-prefix" in line
    assert "cluster-by is " in refusal(ganeval("table", run, accepted))
    assert ganeval("ssim", *sides, *by, "-o", run).code == 0
    assert ganeval(*asked).code == 0


def test_the_copies_are_said_once(tmp_path: Path, ganeval: Command) -> None:
    """Score 300 images: enough for an error of each of these scores."""
    real, fake = (
        crops(
            tmp_path / side,
            strength=strength,
            name=lambda at, crop: f"p{at:02}-{crop}.png",
            num=100,
        )
        for side, strength in (("real", 1), ("fake", 20))
    )
    for at in range(5):
        (real / f"copy{at}.png").write_bytes((real / f"p0{at}-0.png").read_bytes())
    shown = ganeval("eval", real, fake, "-m", "kid,pr", *FAST)
    assert shown.code == 0
    text = " ".join(shown.out.split())
    fact = "5 of 305 images of the reference are copies of others: the error assumes independent"
    assert text.count(fact) == 1
    found = [
        finding
        for finding in json.loads(ganeval("doctor", real, "--json").out)["findings"]
        if finding["check"] in ("exact-duplicates", "near-duplicates")
    ]
    assert {finding["check"] for finding in found} == {"exact-duplicates", "near-duplicates"}
    assert all("--cluster-by" in finding["remedy"] for finding in found)
