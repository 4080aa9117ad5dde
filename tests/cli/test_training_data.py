"""`ganeval train` on pictures as people have them: every kind of source, end to end."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from ganeval import read_card
from tests.command import Command

STEPS = ("--steps", 2, "--set", "batch_size=4", "--set", "image_size=16", "--grid-every", 0)


def photos(folder: Path, *, seed: int = 0) -> Path:
    """12 pictures in two folders."""
    rng = np.random.default_rng(seed)
    for number in range(12):
        path = folder / ("cat" if number % 2 else "dog") / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (20 + number, 24, 3), np.uint8)
        PIL.Image.fromarray(pixels).save(path)
    return folder


def in_a_folder(tmp_path: Path) -> tuple[str, str, str]:
    return str(photos(tmp_path / "photos")), "RGB", "2 classes (cat, dog)"


def in_a_row_of_tars(tmp_path: Path) -> tuple[str, str, str]:
    files = sorted(photos(tmp_path / "photos").rglob("*.png"))
    for part in range(3):
        with tarfile.open(tmp_path / f"faces-{part}.tar", "w") as tar:
            for path in files[part::3]:
                tar.add(path, f"{path.stem}.png")
                label = tarfile.TarInfo(f"{path.stem}.cls")
                label.size = 1
                tar.addfile(label, io.BytesIO(b"0"))
    return f"{tmp_path}/faces-{{0..2}}.tar", "RGB", "no classes"


def of_torchvision(tmp_path: Path) -> tuple[str, str, str]:
    raw = tmp_path / "cache" / "datasets" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    images = np.random.default_rng(0).integers(0, 256, (12, 28, 28), np.uint8)
    for part in ("train", "t10k"):
        for kind, array in (("images-idx3", images), ("labels-idx1", np.arange(12) % 10)):
            array = array.astype(np.uint8)
            header = bytes([0, 0, 8, array.ndim]) + b"".join(
                extent.to_bytes(4, "big") for extent in array.shape
            )
            (raw / f"{part}-{kind}-ubyte").write_bytes(header + array.tobytes())
    return "data:mnist", "grey", "10 classes (0, 1, 2, 3, 4 and 5 more)"


@pytest.mark.parametrize("kind", [in_a_folder, in_a_row_of_tars, of_torchvision])
def test_every_kind_of_source_is_trained_on(
    kind: Callable[[Path], tuple[str, str, str]],
    tmp_path: Path,
    ganeval: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GANEVAL_CACHE", str(tmp_path / "cache"))
    data, colour, classes = kind(tmp_path)
    run = tmp_path / "run"
    found = ganeval("train", "dcgan", "--data", data, *STEPS, "--out", run)
    assert (found.code, found.out) == (0, f"{run}/dcgan.safetensors\n")
    assert f",crop=center: 12 pictures of 16x16, {colour}, {classes}\n" in found.err
    card = read_card(run / "dcgan.safetensors")
    assert (card.image_size, card.channels) == (16, 1 if colour == "grey" else 3)
    assert card.settings["image_size"] == 16
    going_on = ganeval("train", "dcgan", "--resume", "--steps", 3, "--out", run)
    assert going_on.code == 0
    refused = ganeval("train", "dcgan", "--resume", "--set", "flip=true", "--out", run)
    assert "flip was False, now it is True" in refused.error


@pytest.mark.parametrize(("batch_size", "said"), [(12, False), (13, True)])
def test_fewer_pictures_than_a_batch_has_are_a_warning(
    batch_size: int, said: bool, tmp_path: Path, ganeval: Command
) -> None:
    data = photos(tmp_path / "photos")
    options = (*STEPS, "--set", f"batch_size={batch_size}", "--out", tmp_path / "run")
    found = ganeval("train", "gan", "--data", data, *options)
    assert found.code == 0
    line = f"12 pictures for batches of {batch_size}, so that pictures repeat within a batch; "
    assert found.err.count(line) == said


def test_two_folders_of_one_name(tmp_path: Path, ganeval: Command) -> None:
    data, other = photos(tmp_path / "photos"), photos(tmp_path / "sketches", seed=1)
    options = ("--data", data, "--data-b", other, *STEPS, "--out", tmp_path / "run")
    found = ganeval("train", "pix2pix", *options)
    assert (found.code, found.out) == (0, f"{tmp_path}/run/pix2pix.safetensors\n")
    made = ganeval("sample", tmp_path / "run/pix2pix.safetensors", "-n", 3, "-o", tmp_path / "out")
    assert made.code == 0
    (other / "cat" / "01.png").unlink()
    refused = ganeval("train", "pix2pix", *options[:-1], tmp_path / "other")
    assert (refused.code, refused.out) == (2, "")
    assert "pictures without a partner: 1 of " in refused.error


def test_pictures_that_no_network_can_have_are_refused_before_they_are_decoded(
    tmp_path: Path, ganeval: Command, own_cache: Path
) -> None:
    data = photos(tmp_path / "photos")
    sizes = ganeval("train", "dcgan", "--data", data, "--out", tmp_path / "run")
    assert "one size; resize them: `--set image_size=16`" in sizes.error
    odd = ganeval("train", "dcgan", "--data", data, *STEPS, "--set", "image_size=20")
    assert "images of 20 pixels; needed: 8, 16, 32, 64, ...; resize them: " in odd.error
    assert "`--set image_size=16`" in odd.error
    assert (sizes.code, odd.code) == (2, 2)
    assert not list(own_cache.rglob("pixels.npy"))
