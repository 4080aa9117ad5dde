"""Commands with an output replace what they made themselves, and touch nothing else."""

import errno
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.command import Command
from tests.generators.networks import Example, seeded

SAMPLING = (
    *("--entry", "tests.generators.networks:Example", "--latent-size", "8"),
    *("--latent-layout", "map", "--value-range", "-1,1"),
)
SCORING = ("--extractor", "random", "--quiet")
MINE = b"a file of the user's"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.save({"g_ema": seeded(Example()).state_dict()}, tmp_path / "g.pt")
    return tmp_path / "g.pt"


def test_a_zip_is_replaced_only_if_nothing_of_it_is_lost(
    checkpoint: Path, tmp_path: Path, ganeval: Command
) -> None:
    out = tmp_path / "out.zip"
    words = ("sample", checkpoint, "-o", out, *SAMPLING)
    out.write_bytes(MINE)
    assert (
        "out.zip: exists already, and is not a zip of samples (" in ganeval(*words, "-n", 3).error
    )
    assert out.read_bytes() == MINE
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("notes.txt", MINE)
    assert "out.zip: holds other files, such as notes.txt" in ganeval(*words, "-n", 3).error
    with zipfile.ZipFile(out) as archive:
        assert archive.namelist() == ["notes.txt"]
    out.unlink()
    assert ganeval(*words, "-n", 3).code == 0
    three = out.read_bytes()
    other = ganeval(*words, "-n", 3, "--seed", 1)
    assert "out.zip/00000.png: not of this checkpoint, seed and options" in other.error
    assert "holds other files, such as 00002.png" in ganeval(*words, "-n", 2).error
    assert out.read_bytes() == three
    assert ganeval(*words, "-n", 3).code == 0
    assert out.read_bytes() == three
    assert ganeval(*words, "-n", 5).code == 0
    with zipfile.ZipFile(out) as archive:
        assert archive.namelist() == [f"{number:05}.png" for number in range(5)]


def test_hidden_folders_of_others_beside_a_zip_stay(
    checkpoint: Path, tmp_path: Path, ganeval: Command
) -> None:
    keep = tmp_path / ".out.zip.mine.parts" / "keep"
    keep.parent.mkdir()
    keep.write_bytes(MINE)
    assert ganeval("sample", checkpoint, "-n", 3, "-o", tmp_path / "out.zip", *SAMPLING).code == 0
    assert keep.read_bytes() == MINE


@pytest.mark.parametrize("name", ["x.tar", "x.TGZ", "x.tar.gz", "x.npy"])
def test_other_archives_are_no_folders(
    name: str, checkpoint: Path, tmp_path: Path, ganeval: Command
) -> None:
    found = ganeval("sample", checkpoint, "-n", 3, "-o", tmp_path / name, *SAMPLING)
    assert found.code == 2
    assert "; needed: a folder, or a name ending in .zip or .npz; change -o" in found.error
    assert not (tmp_path / name).exists()


def test_influence_values_replace_no_file_of_others(
    tmp_path: Path, real: Path, fake: Path, ganeval: Command
) -> None:
    for name in ("run", "base"):
        (tmp_path / f"{name}.influence.safetensors").write_bytes(MINE)
    words = ("kid", real, fake, *SCORING, "-o")
    found = ganeval(*words, tmp_path / "run.json")
    assert "run.influence.safetensors: exists already, and has no influence" in found.error
    assert not (tmp_path / "run.json").exists()
    assert ganeval(*words, tmp_path / "free.json").code == 0
    assert ganeval(*words, tmp_path / "free.json").code == 0
    accept = ("baseline", "accept", tmp_path / "free.json", "-o", tmp_path / "base.json")
    assert "base.influence.safetensors: exists already" in ganeval(*accept).error
    for name in ("run", "base"):
        assert (tmp_path / f"{name}.influence.safetensors").read_bytes() == MINE
    (tmp_path / "base.influence.safetensors").unlink()
    assert ganeval(*accept).code == 0
    assert ganeval(*accept).code == 0


@pytest.mark.parametrize("name", ["bars-kid.svg", "bars-kid.png"])
def test_plots_replace_plots_alone(
    name: str, tmp_path: Path, real: Path, fake: Path, ganeval: Command
) -> None:
    plots = tmp_path / "plots"
    plots.mkdir()
    (plots / name).write_bytes(MINE)
    (plots / "photo.png").write_bytes(MINE)
    words = ("kid", real, fake, *SCORING, "--plots", plots)
    assert f"{plots / name}: exists already, and was not drawn" in ganeval(*words).error
    assert {path.name for path in plots.iterdir()} == {name, "photo.png"}
    assert (plots / name).read_bytes() == MINE
    (plots / name).unlink()
    assert ganeval(*words).code == 0
    assert ganeval(*words).code == 0
    assert (plots / "photo.png").read_bytes() == MINE


def test_a_disk_that_cannot_be_written_to_is_one_line(
    tmp_path: Path, real: Path, ganeval: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    path = tmp_path / "real.npz"
    words = ("stats", "make", real, "-o", path, *SCORING)
    assert ganeval(*words, "--cache-dir", tmp_path / "cache").code == 0
    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    found = ganeval(*words, "--cache-dir", tmp_path / "cache")
    assert found.code == 2
    assert (
        f"{path}: cannot be written (Read-only file system); needed: a folder with" in found.error
    )
    assert path.read_bytes() == before


def test_statistics_replace_statistics_alone(tmp_path: Path, real: Path, ganeval: Command) -> None:
    """Images in an npz have its suffix too, and may be the source itself."""
    images, stats, foreign = (tmp_path / f"{name}.npz" for name in ("images", "stats", "foreign"))
    np.savez(images, np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), np.uint8))
    np.savez(foreign, mu=np.zeros(64), sigma=np.eye(64))
    for path in (images, foreign):
        before = path.read_bytes()
        found = ganeval("stats", "make", images, "-o", path, *SCORING)
        assert f"{path}: exists already, and was not made by `ganeval stats make`" in found.error
        assert path.read_bytes() == before
    for _ in range(2):
        assert ganeval("stats", "make", images, "-o", stats, *SCORING).code == 0
