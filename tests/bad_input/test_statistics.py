"""Bad input: files of stored statistics."""

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.bad_input.outcomes import JSON, RANDOM, card, refusal, report, values
from tests.command import Command

WIDTH = 64  # of the network's features
RNG = np.random.default_rng(42)
ROWS = RNG.normal(size=(200, WIDTH))
MEAN, COVARIANCE = ROWS.mean(axis=0), np.cov(ROWS, rowvar=False)


class Payload:
    """A Python object whose loading writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.path),))


@pytest.fixture
def stats(tmp_path: Path) -> Path:
    path = tmp_path / "real.npz"
    np.savez(path, mu=MEAN, sigma=COVARIANCE)
    return path


def test_another_dimension(ganeval: Command, fake: Path, tmp_path: Path) -> None:
    path = tmp_path / "wide.npz"
    np.savez(path, mu=np.zeros(128), sigma=np.eye(128))
    line = refusal(ganeval("fid", path, fake, *RANDOM))
    assert f"{path}: statistics of 128 dimensions, random has 64; " in line
    assert "--extractor" in line


@pytest.mark.parametrize("shapes", [((64, 1), (64, 64)), ((64,), (64, 63)), ((0,), (0, 0))])
def test_arrays_that_do_not_belong_together(
    ganeval: Command, fake: Path, tmp_path: Path, shapes: tuple[Any, Any]
) -> None:
    path = tmp_path / "odd.npz"
    np.savez(path, mu=np.zeros(shapes[0]), sigma=np.zeros(shapes[1]))
    assert f"{path}: mean of shape {shapes[0]}" in refusal(ganeval("fid", path, fake, *RANDOM))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["mu", "sigma"])
def test_no_numbers(ganeval: Command, fake: Path, tmp_path: Path, name: str, value: float) -> None:
    arrays = {"mu": MEAN.copy(), "sigma": COVARIANCE.copy()}
    arrays[name].flat[5] = value
    path = tmp_path / "real.npz"
    np.savez(path, **arrays)  # type: ignore[arg-type]
    for words in (("fid", path, fake, *RANDOM), ("stats", "inspect", path)):
        assert f"{path}: contains NaN or Infinity; " in refusal(ganeval(*words))


@pytest.mark.parametrize("dtype", [complex, "U8", bool])
def test_other_types(ganeval: Command, fake: Path, tmp_path: Path, dtype: Any) -> None:
    path = tmp_path / "real.npz"
    np.savez(path, mu=MEAN.astype(dtype), sigma=COVARIANCE)
    assert f"{path}: mu is of type " in refusal(ganeval("fid", path, fake, *RANDOM))


def test_other_names(ganeval: Command, fake: Path, tmp_path: Path, stats: Path) -> None:
    expected = values(ganeval("fid", stats, fake, *JSON))
    for mean, covariance in (("mean", "cov"), ("m", "s")):
        path = tmp_path / f"{mean}.npz"
        np.savez(path, **{mean: MEAN, covariance: COVARIANCE})  # type: ignore[arg-type]
        assert values(ganeval("fid", path, fake, *JSON)) == expected
    path = tmp_path / "unknown.npz"
    np.savez(path, average=MEAN, spread=COVARIANCE)
    for words in (("fid", path, fake, *RANDOM), ("stats", "inspect", path)):
        line = refusal(ganeval(*words))
        assert str(path) in line
        assert "average" in line or "called mu" in line


def test_pickled_statistics(ganeval: Command, fake: Path, tmp_path: Path) -> None:
    path = tmp_path / "edm.npz"
    path.write_bytes(b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00}\x94.")
    line = refusal(ganeval("fid", path, fake, *RANDOM))
    assert f"{path}: a Python pickle, which can execute any code when it is opened" in line
    assert "for statistics: mu and sigma to an .npz" in line


def test_no_covariance(ganeval: Command, fake: Path, tmp_path: Path) -> None:
    path = tmp_path / "real.npz"
    skewed = COVARIANCE.copy()
    skewed[3, 5] += 1e-3
    negative = COVARIANCE - 2 * np.eye(WIDTH)
    for sigma, smallest in ((skewed, None), (negative, np.linalg.eigvalsh(negative)[0])):
        np.savez(path, mu=MEAN, sigma=sigma)
        line = refusal(ganeval("fid", path, fake, *RANDOM))
        assert f"{path}: no covariance (relative asymmetry " in line
        assert smallest is None or f"smallest eigenvalue {smallest:.3g})" in line


def test_rounding_is_no_fault(ganeval: Command, fake: Path, tmp_path: Path, stats: Path) -> None:
    expected = values(ganeval("fid", stats, fake, *JSON))
    rounded = COVARIANCE + 1e-13 * RNG.normal(size=COVARIANCE.shape)
    np.savez(tmp_path / "rounded.npz", mu=MEAN, sigma=rounded)
    found = values(ganeval("fid", tmp_path / "rounded.npz", fake, *JSON))
    assert found["fid"] == pytest.approx(expected["fid"], rel=1e-6)
    np.savez(tmp_path / "float32.npz", mu=np.float32(MEAN), sigma=np.float32(COVARIANCE))
    found = values(ganeval("fid", tmp_path / "float32.npz", fake, *JSON))
    assert found["fid"] == pytest.approx(expected["fid"], rel=1e-4)


def test_python_objects_are_never_loaded(
    ganeval: Command, real: Path, fake: Path, tmp_path: Path
) -> None:
    trap = tmp_path / "trap"
    hidden = np.empty(1, dtype=object)
    hidden[0] = Payload(trap)
    inside, alone = tmp_path / "inside.npz", tmp_path / "alone.npz"
    np.savez(inside, mu=hidden, sigma=COVARIANCE)
    np.save(alone.with_suffix(".npy"), hidden)
    alone.with_suffix(".npy").rename(alone)
    raw = tmp_path / "raw.npz"
    raw.write_bytes(hidden.dumps())
    for path in (inside, alone, raw):
        for words in (
            ("fid", path, fake, *RANDOM),
            ("fid", real, path, *RANDOM),
            ("stats", "inspect", path),
        ):
            line = refusal(ganeval(*words))
            assert str(path) in line
            assert "Python" in line
            assert "allow_pickle" not in line or "if you trust its author" in line
    assert not trap.exists()
    np.load(alone, allow_pickle=True)
    assert trap.exists()  # the trap itself works


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9, 0.999])
def test_truncated(ganeval: Command, fake: Path, stats: Path, share: float) -> None:
    content = stats.read_bytes()
    stats.write_bytes(content[: int(share * len(content))])
    for words in (("fid", stats, fake, *RANDOM), ("stats", "inspect", stats)):
        assert str(stats) in refusal(ganeval(*words))
    assert "`ganeval stats make`" in refusal(ganeval("stats", "inspect", stats))


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("damaged", [range(80, 200), range(500, 501), range(4000, 4100)])
def test_damaged_in_the_middle(
    ganeval: Command, fake: Path, tmp_path: Path, compressed: bool, damaged: range
) -> None:
    path = tmp_path / "real.npz"
    save = np.savez_compressed if compressed else np.savez
    save(path, mu=MEAN, sigma=COVARIANCE)
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("sigma.npy").header_offset
    for at in damaged:
        content[start + at] ^= 0xFF
    path.write_bytes(content)
    for words in (("fid", path, fake, *RANDOM), ("stats", "inspect", path)):
        assert f"{path}: truncated or damaged (" in refusal(ganeval(*words))


def test_no_such_file(ganeval: Command, tmp_path: Path) -> None:
    path = tmp_path / "real.npz"
    assert f"{path}: no such file; " in refusal(ganeval("stats", "inspect", path))
    assert f"{tmp_path}: not a regular file; " in refusal(ganeval("stats", "inspect", tmp_path))


def test_made_under_other_conditions(
    ganeval: Command, real: Path, fake: Path, tmp_path: Path
) -> None:
    path = tmp_path / "real.npz"
    assert ganeval("stats", "make", real, "-o", path, *RANDOM).code == 0
    assert card(ganeval("fid", path, fake, *JSON), path)["stats"]["verified"] is True
    line = refusal(ganeval("fid", path, fake, *RANDOM, "--precision", "bfloat16"))
    assert f"{path}: made with precision float32, this run has bfloat16; " in line
    with np.load(path) as archive:
        arrays = dict(archive)
    made = json.loads(str(arrays["ganeval"]))
    for key, value in (
        ("weights", "sha256:0"),
        ("extractor", "inception"),
        ("preprocess", {**made["preprocess"], "mean": 0.0}),
    ):
        arrays["ganeval"] = np.array(json.dumps({**made, key: value}))
        np.savez(path, **arrays)
        assert f"{path}: made with {key} " in refusal(ganeval("fid", path, fake, *RANDOM))
    for text in ("", "{", "[1]", "null", '{"settings": 1}', '{"settings": null}'):
        arrays["ganeval"] = np.array(text)
        np.savez(path, **arrays)
        assert f"{path}: truncated or damaged (" in refusal(ganeval("fid", path, fake, *RANDOM))


def test_of_another_tool(ganeval: Command, fake: Path, stats: Path) -> None:
    found = ganeval("fid", stats, fake, *JSON)
    assert f"ganeval: warning: {stats}: made by another tool; " in found.err
    assert card(found, stats)["stats"]["verified"] is False
    assert "unknown" in ganeval("stats", "inspect", stats).out


def test_statistics_where_images_are_needed(
    ganeval: Command, real: Path, fake: Path, stats: Path, tmp_path: Path
) -> None:
    for words in (
        ("fid", real, stats),
        ("kid", stats, fake),
        ("eval", stats, fake, "-m", "fid,pr"),
        ("is", stats),
        ("stats", "make", stats, "-o", tmp_path / "other.npz"),
        ("extract", stats),
    ):
        before = stats.read_bytes()
        line = refusal(ganeval(*words, *RANDOM))
        assert f"{stats}: holds statistics, not images" in line
        assert stats.read_bytes() == before
    line = refusal(ganeval("fid", stats, fake, *RANDOM, "--num-images", 5))
    assert f"{stats}: holds statistics of all its images, but --num-images asks for some" in line


def test_a_number_of_images_that_nobody_knows(
    ganeval: Command, fake: Path, tmp_path: Path, stats: Path
) -> None:
    found = ganeval("fid", stats, fake, *JSON)
    (score,) = report(found)["scores"]
    assert score["num_reference"] is None
    assert score["se"] is score["interval"] is None
    assert card(found, stats)["count"] is None
    assert "number of images unknown" in ganeval("fid", stats, fake, *RANDOM).out
    known = tmp_path / "known.npz"
    np.savez(known, mu=MEAN, sigma=COVARIANCE, num=200)
    found = ganeval("fid", known, fake, *JSON)
    assert report(found)["scores"][0]["num_reference"] == 200
    assert values(found)["fid"] == pytest.approx(score["value"], rel=1e-9)
    for num in (0, -5, 2.5, np.nan, np.inf, "many"):
        np.savez(known, mu=MEAN, sigma=COVARIANCE, num=num)  # type: ignore[arg-type]
        assert f"{known}: num is " in refusal(ganeval("fid", known, fake, *RANDOM))
