"""`ganeval stats`: what is stored for intervals, and what `inspect` says of it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganeval.extract import features_of
from ganeval.features.stats import load_stats
from ganeval.flow.settings import build_settings
from ganeval.report.report import Report
from tests.command import Command

SCORING = ("--extractor", "random", "--quiet")
ANEW = "; make it again with `ganeval stats make`, from the images"


def pictures(path: Path, num: int) -> Path:
    """Images of 2 x 2 random blocks, whose features differ well."""
    rng = np.random.default_rng(num)
    blocks = rng.integers(0, 256, (num, 2, 2, 3), np.uint8)
    np.savez(path, blocks.repeat(8, axis=1).repeat(8, axis=2))
    return path


def made(folder: Path, num: int, ganeval: Command, *options: Any) -> Path:
    """Return the statistics of so many pictures."""
    path = folder / f"{num}-stats.npz"
    source = pictures(folder / f"{num}.npz", num)
    assert ganeval("stats", "make", source, "-o", path, *SCORING, *options).code == 0
    return path


def facts(path: Path, ganeval: Command) -> dict[str, str]:
    found = ganeval("stats", "inspect", path)
    assert found.code == 0, found.err
    return dict(line.split("\t") for line in found.out.splitlines())


def arrays_of(path: Path) -> dict[str, Any]:
    with np.load(path) as archive:
        return dict(archive)


def test_parts_are_dealt_at_random_and_are_those_of_the_features(
    tmp_path: Path, ganeval: Command
) -> None:
    path = made(tmp_path, 1100, ganeval)
    settings = build_settings({"extractor": "random"})
    with features_of(tmp_path / "1100.npz", ["pool"], settings) as found:
        rows = found.of("pool").rows().astype(float)
    stats = load_stats(path)
    parts = stats.parts()
    assert parts is not None
    assert [part.num for part in parts] == [275] * 4
    mean = sum(part.num * part.mean for part in parts) / 1100
    np.testing.assert_allclose(mean, rows.mean(axis=0), rtol=1e-12)
    raw = sum(part.scatter + part.num * np.outer(part.mean, part.mean) for part in parts)
    np.testing.assert_allclose(raw, rows.T @ rows, rtol=1e-10)
    in_order = [piece.mean(axis=0) for piece in np.split(rows, 4)]
    assert not any(np.allclose(part.mean, piece) for part in parts for piece in in_order)
    before = path.read_bytes()
    assert made(tmp_path, 1100, ganeval).read_bytes() == before
    one, other = arrays_of(path), arrays_of(made(tmp_path, 1100, ganeval, "--seed", 1))
    assert (one["ganeval_parts_mean"] != other["ganeval_parts_mean"]).any()
    np.testing.assert_array_equal(one["sigma"], other["sigma"])


def test_inspect_says_whether_there_can_be_intervals(tmp_path: Path, ganeval: Command) -> None:
    path = made(tmp_path, 330, ganeval)
    found = facts(path, ganeval)
    assert found["images"] == "330"
    assert found["parts"] == "moments of four random quarters"
    assert found["intervals"] == "yes"
    arrays = arrays_of(path)
    older = {key: value for key, value in arrays.items() if "parts" not in key}
    foreign = {key: arrays[key] for key in ("mu", "sigma", "num")}
    unknown = {key: arrays[key] for key in ("mu", "sigma")}
    for content, words in (
        (older, f"no: made by an older version{ANEW}"),
        (foreign, f"no: made by another tool{ANEW}"),
        (unknown, f"no: number of images unknown{ANEW}"),
    ):
        np.savez(tmp_path / "other.npz", **content)
        found = facts(tmp_path / "other.npz", ganeval)
        assert (found["parts"], found["intervals"]) == ("none", words)


@pytest.mark.parametrize(("num", "parts"), [(7, "none"), (8, "moments of"), (319, "moments of")])
def test_inspect_says_that_there_are_too_few_images(
    tmp_path: Path, ganeval: Command, num: int, parts: str
) -> None:
    found = facts(made(tmp_path, num, ganeval), ganeval)
    assert found["parts"].startswith(parts)
    assert found["intervals"] == "no: fewer than 320 images, 5 for each dimension"


def test_a_card_does_not_overwrite_what_is_found(tmp_path: Path, ganeval: Command) -> None:
    arrays = arrays_of(made(tmp_path, 7, ganeval))
    card = json.loads(str(arrays["ganeval"]))
    arrays["ganeval"] = np.array(json.dumps({**card, "intervals": "yes", "images": 9}))
    np.savez(tmp_path / "7-stats.npz", **arrays)
    found = facts(tmp_path / "7-stats.npz", ganeval)
    assert found["images"] == "7"
    assert found["intervals"].startswith("no: ")


def test_a_report_says_which_images_the_statistics_are_of(tmp_path: Path, ganeval: Command) -> None:
    path = made(tmp_path, 40, ganeval)
    source, sample = tmp_path / "40.npz", pictures(tmp_path / "fake.npz", 20)

    def card(reference: Path) -> dict[str, Any]:
        out = tmp_path / "run.json"
        assert ganeval("fid", reference, sample, *SCORING, "-o", out).code == 0
        return dict(Report.load(out).provenance["sources"][str(reference)])

    stats = card(path)["stats"]
    assert stats["content"] == card(source)["content"]
    assert stats["parts"] is True
    foreign = tmp_path / "foreign.npz"
    arrays = arrays_of(path)
    np.savez(foreign, mu=arrays["mu"], sigma=arrays["sigma"])
    stats = card(foreign)["stats"]
    assert (stats["content"], stats["parts"]) == (None, False)
