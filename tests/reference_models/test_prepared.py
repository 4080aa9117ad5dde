"""Training pictures that are decoded once: what is in the file, and who makes it when."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
import torchvision

import ganeval
from reference_models.data import contents, prepared
from reference_models.data.fitted import Fitted
from reference_models.data.streams import PreparedPictures
from reference_models.engine.data import Data, open_data

PART = 8


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few pictures make several parts."""
    for module in (contents, prepared):
        monkeypatch.setattr(module, "PART", PART)
        monkeypatch.setattr(module, "BLOCK", 3)


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """30 pictures of many sizes, with colour."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "faces"
    folder.mkdir()
    for number in range(30):
        shape = (int(rng.integers(20, 40)), int(rng.integers(20, 40)), 3)
        PIL.Image.fromarray(rng.integers(0, 256, shape, np.uint8)).save(folder / f"{number:02}.png")
    return folder


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the pictures that were decoded."""
    names: list[str] = []
    picture = Fitted.picture

    def noted(self: Fitted, item: object) -> npt.NDArray[np.uint8]:
        names.append(Path(item.name).name)  # type: ignore[attr-defined]
        return picture(self, item)

    monkeypatch.setattr(Fitted, "picture", noted)
    return names


def pixels_of(data: Data) -> npt.NDArray[np.uint8]:
    assert isinstance(data, PreparedPictures)
    return data.prepared.pixels[:]


def cropped(path: Path, size: int) -> npt.NDArray[np.uint8]:
    """The largest square in the middle, resized, by Pillow alone; uint8 [3, size, size]."""
    with PIL.Image.open(path) as picture:
        side = min(picture.size)
        left, top = ((extent - side) // 2 for extent in picture.size)
        square = picture.crop((left, top, left + side, top + side))
        return np.asarray(square.resize((size, size), PIL.Image.Resampling.BICUBIC)).transpose(
            2, 0, 1
        )


def folders(cache: Path) -> list[Path]:
    return [path for path in (cache / "prepared").glob("*") if path.is_dir()]


def test_the_bytes_are_those_of_pillow(faces: Path) -> None:
    expected = np.stack([cropped(path, 16) for path in sorted(faces.iterdir())])
    np.testing.assert_array_equal(pixels_of(open_data(str(faces), size=16)), expected)


def test_the_source_with_its_size_is_the_one_that_scoring_reads(faces: Path) -> None:
    for crop in ("center", "none"):
        data = open_data(str(faces), size=16, crop=crop)
        assert data.name == f"folder:{faces},size=16,crop={crop}"
        source = ganeval.open_source(data.name, policy=ganeval.Settings().decode)
        items = source.load(range(len(source)))
        np.testing.assert_array_equal(
            pixels_of(data), np.stack([item.picture().pixels for item in items])
        )
        # A crop in the text goes before the setting's default.
        assert open_data(data.name).digest == data.digest


def test_pictures_are_decoded_once(faces: Path, decoded: list[str], own_cache: Path) -> None:
    first = open_data(str(faces), size=16)
    assert sorted(set(decoded)) == sorted(path.name for path in faces.iterdir())
    decoded.clear()
    again = open_data(f"folder:{faces},size=16,crop=center")
    assert not decoded
    assert again.digest == first.digest
    np.testing.assert_array_equal(pixels_of(again), pixels_of(first))
    copy = shutil.copytree(faces, faces.with_name("copy"))
    assert open_data(str(copy), size=16).digest == first.digest
    assert not decoded
    assert len(folders(own_cache)) == 1
    assert open_data(str(faces), size=8).digest != first.digest
    assert decoded


def test_a_changed_file_is_noticed(faces: Path, decoded: list[str]) -> None:
    first = open_data(str(faces), size=16)
    before = pixels_of(first)
    file = faces / "20.png"
    with PIL.Image.open(file) as picture:
        mirrored = picture.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)
    mirrored.save(file)
    decoded.clear()
    other = open_data(str(faces), size=16)
    assert decoded
    assert other.digest != first.digest
    changed = (pixels_of(other) != before).any(axis=(1, 2, 3))
    np.testing.assert_array_equal(np.flatnonzero(changed), [20])
    np.testing.assert_array_equal(pixels_of(first), before)  # a run that has begun keeps its own
    (faces / "30.png").symlink_to(faces / "nowhere")
    with pytest.raises(ganeval.GanevalError, match=r"30\.png"):
        open_data(str(faces), size=16)


@pytest.mark.parametrize("late", [0, 29])
def test_grey_stays_grey_and_one_with_colour_makes_all_rgb(
    late: int, tmp_path: Path, decoded: list[str]
) -> None:
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (30, 16, 16), np.uint8)
    for number, picture in enumerate(grey):
        PIL.Image.fromarray(picture).save(tmp_path / f"{number:02}.png")
    np.testing.assert_array_equal(pixels_of(open_data(str(tmp_path))), grey[:, None])
    as_rgb = np.repeat(grey[:, None], 3, axis=1)
    np.testing.assert_array_equal(pixels_of(open_data(str(tmp_path), channels=3)), as_rgb)
    as_rgb[late, 2, 5, 7] ^= 255
    PIL.Image.fromarray(as_rgb[late].transpose(1, 2, 0)).save(tmp_path / f"{late:02}.png")
    decoded.clear()
    np.testing.assert_array_equal(pixels_of(open_data(str(tmp_path))), as_rgb)
    # Only a few are decoded in vain where the first has colour.
    assert len(decoded) - 30 <= (3 if late == 0 else 30)


def test_colour_becomes_grey_where_that_is_asked(faces: Path) -> None:
    grey = pixels_of(open_data(str(faces), size=16, channels=1))
    assert grey.shape == (30, 1, 16, 16)
    colour = pixels_of(open_data(str(faces), size=16)).astype(np.float64)
    # ITU-R 601-2.
    luma = np.tensordot([0.299, 0.587, 0.114], colour, axes=(0, 1))
    assert np.abs(grey[:, 0] - luma).max() < 0.51


_KILLED = """
import os, signal, sys
from reference_models.data import contents, prepared
from reference_models.data.fitted import Fitted
from reference_models.engine.data import open_data
for module in (contents, prepared):
    module.PART, module.BLOCK = 8, 3
picture, names = Fitted.picture, set()
def killed(self, item):
    names.add(item.name)
    if len(names) > 21:
        os.kill(os.getpid(), signal.SIGKILL)
    return picture(self, item)
Fitted.picture = killed
open_data(sys.argv[1], size=16)
"""


def killed_preparation(faces: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _KILLED, str(faces)], check=False)
    assert done.returncode == -signal.SIGKILL


def test_a_killed_preparation_goes_on_where_it_was(
    faces: Path,
    decoded: list[str],
    own_cache: Path,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    killed_preparation(faces)
    (own,) = folders(own_cache)
    assert "digest" not in json.loads((own / "card.json").read_text())
    assert len((own / "parts.jsonl").read_text().splitlines()) == 2
    caplog.set_level(logging.INFO, "ganeval.training.data")
    data = open_data(str(faces), size=16)
    assert "continues after 16 of 30 pictures" in caplog.text
    assert min(decoded) == "16.png"
    assert len(decoded) == 14
    whole = open_data(str(faces), size=16, cache_dir=tmp_path / "other")
    assert data.digest == whole.digest
    np.testing.assert_array_equal(pixels_of(data), pixels_of(whole))


@pytest.mark.parametrize("damage", ["pixels", "half a line", "no file", "card"])
def test_what_is_half_there_is_never_taken_for_whole(
    damage: str, faces: Path, own_cache: Path, decoded: list[str], tmp_path: Path
) -> None:
    killed_preparation(faces)
    (own,) = folders(own_cache)
    if damage == "pixels":  # of the second part, as after a loss of power
        with (own / "pixels.npy").open("r+b") as file:
            file.seek(-(30 - 10) * 3 * 16 * 16, os.SEEK_END)
            file.write(bytes(100))
    elif damage == "half a line":
        parts = own / "parts.jsonl"
        parts.write_text(parts.read_text()[:-20])
    elif damage == "no file":
        (own / "pixels.npy").unlink()
    else:
        (own / "card.json").write_text("{")
    data = open_data(str(faces), size=16)
    assert len(set(decoded)) == {"pixels": 22, "half a line": 22}.get(damage, 30)
    whole = open_data(str(faces), size=16, cache_dir=tmp_path / "other")
    np.testing.assert_array_equal(pixels_of(data), pixels_of(whole))
    assert data.digest == whole.digest


def shorten(own: Path) -> None:
    with (own / "pixels.npy").open("r+b") as file:
        file.truncate(1000)


def another_shape(own: Path) -> None:
    np.save(own / "pixels.npy", np.zeros((30, 3, 16, 8), np.uint8))


def other_bytes(own: Path) -> None:
    with (own / "pixels.npy").open("r+b") as file:
        file.seek(5000)
        file.write(bytes(100))


def no_array(own: Path) -> None:
    (own / "pixels.npy").write_bytes(b"nothing")


@pytest.mark.parametrize("damaged", [shorten, another_shape, other_bytes, no_array])
def test_a_file_that_does_not_fit_is_made_anew_with_a_word(
    damaged: Callable[[Path], None],
    faces: Path,
    own_cache: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = open_data(str(faces), size=16)
    before = pixels_of(first).copy()
    (own,) = folders(own_cache)
    damaged(own)
    again = open_data(str(faces), size=16)
    assert f"{own}: damaged (" in caplog.text
    assert "so its pictures are prepared again" in caplog.text
    np.testing.assert_array_equal(pixels_of(again), before)
    assert again.digest == first.digest


def test_a_file_that_was_only_touched_is_kept(
    faces: Path, own_cache: Path, decoded: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    open_data(str(faces), size=16)
    (own,) = folders(own_cache)
    os.utime(own / "pixels.npy")
    decoded.clear()
    open_data(str(faces), size=16)
    assert not decoded
    assert not caplog.records


_COUNTING = """
import sys, time
from pathlib import Path
from reference_models.data.fitted import Fitted
from reference_models.engine.data import open_data
picture = Fitted.picture
def counted(self, item):
    time.sleep(0.03)
    with Path(sys.argv[2]).open("a") as file:
        file.write("x")
    return picture(self, item)
Fitted.picture = counted
print(open_data(sys.argv[1], size=16, channels=3).digest)
"""


def test_processes_share_one_preparation(faces: Path, tmp_path: Path) -> None:
    count = tmp_path / "count"
    command = [sys.executable, "-c", _COUNTING, str(faces), str(count)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    digests = {process.communicate()[0] for process in running}
    assert [process.returncode for process in running] == [0, 0, 0]
    assert len(digests) == 1
    assert count.read_text() == 30 * "x"


def test_a_file_that_changes_meanwhile_is_refused(
    faces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = Fitted.picture

    def changing(self: Fitted, item: object) -> npt.NDArray[np.uint8]:
        shutil.copyfile(faces / "00.png", faces / "13.png")
        return picture(self, item)

    monkeypatch.setattr(Fitted, "picture", changing)
    with pytest.raises(ganeval.GanevalError, match="changed"):
        open_data(str(faces), size=16)


def test_a_full_disk_is_told_before_it_is(
    faces: Path, monkeypatch: pytest.MonkeyPatch, decoded: list[str], own_cache: Path
) -> None:
    usage = shutil.disk_usage(faces)._replace(free=20_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ganeval.GanevalError) as caught:
        open_data(str(faces), size=16, channels=3)
    needed = 128 + 30 * 3 * 16 * 16
    assert str(caught.value) == (
        f"{own_cache / 'prepared'}: no room for the pictures of folder:{faces},size=16,crop=center,"
        f" 20,000 bytes free; needed: {needed:,} bytes; free some space (`ganeval cache prune`), "
        "choose "
        "another folder (--cache-dir), or train on smaller pictures (--set image_size)"
    )
    assert caught.value.exit_code == 4
    assert not decoded
    assert not list(own_cache.rglob("pixels.npy"))


def test_a_cache_that_cannot_be_written_is_refused(faces: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ganeval.GanevalError, match="choose another folder with --cache-dir"):
        open_data(str(faces), size=16, cache_dir=tmp_path / "file")


def test_progress_is_told(
    faces: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("reference_models.data.news.NEWS_SECONDS", 0)
    caplog.set_level(logging.INFO, "ganeval.training.data")
    open_data(str(faces), size=16)
    assert "24 of 30 pictures prepared, " in caplog.text
    assert caplog.messages[-1] == (
        f"folder:{faces},size=16,crop=center: 30 pictures of 16x16, RGB, no classes"
    )


@pytest.mark.parametrize("names", [("1", "01", "2", "10"), ("10", "01", "1", "2")])
def test_classes_of_one_number_are_in_the_order_of_their_letters(
    names: tuple[str, ...], faces: Path, own_cache: Path
) -> None:
    for number, path in enumerate(sorted(faces.iterdir())):
        folder = faces / names[number % 4]
        folder.mkdir(exist_ok=True)
        path.rename(folder / path.name)
    data = open_data(str(faces), size=16)
    assert isinstance(data, PreparedPictures)
    assert data.prepared.classes == ("01", "1", "2", "10")


def test_classes_are_the_folders_as_torchvision_has_them(
    faces: Path, own_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert open_data(str(faces), size=16).num_classes is None
    for number, path in enumerate(sorted(faces.iterdir())):
        folder = faces / ["b", "A", "10", "9"][number % 4] / ["", "inner"][number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        path.rename(folder / path.name)
    caplog.set_level(logging.INFO, "ganeval.training.data")
    data = open_data(str(faces), size=16)
    assert isinstance(data, PreparedPictures)
    assert data.prepared.labels is not None
    peer = torchvision.datasets.ImageFolder(faces)
    names = [Path(path).name for path, _ in peer.samples]
    assert data.prepared.classes == tuple(peer.classes)
    assert data.num_classes == 4
    assert "4 classes (10, 9, A, b)" in caplog.text
    source = ganeval.open_source(str(faces), policy=ganeval.Settings().decode)
    mine = {
        Path(name).name: int(label)
        for name, label in zip(source.names(), data.prepared.labels, strict=True)
    }
    assert mine == dict(zip(names, peer.targets, strict=True))
    cards = [json.loads((own / "card.json").read_text()) for own in folders(own_cache)]
    assert sorted(card["classes"] for card in cards) == [[], ["10", "9", "A", "b"]]
    batch = data.batch(0, 0, 30)
    for picture, label in zip(batch["real"], batch["labels"], strict=True):
        shown = ((picture + 1) * 127.5).round().numpy().astype(np.uint8)
        (at,) = np.flatnonzero((pixels_of(data) == shown).all(axis=(1, 2, 3)))
        assert data.prepared.labels[at] == label


def test_labels_of_an_array_are_classes_in_their_order(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 1), np.uint8)
    labels = np.arange(30) % 12
    np.savez(tmp_path / "a.npz", arr_0=pixels, arr_1=labels)
    data = open_data(str(tmp_path / "a.npz"))
    assert isinstance(data, PreparedPictures)
    assert data.prepared.classes == tuple(map(str, range(12)))
    np.testing.assert_array_equal(data.prepared.labels, labels)


_MEMORY = """
import re, sys
from pathlib import Path
from reference_models.engine.data import open_data
data = open_data(sys.argv[1])
for position in range(0, int(sys.argv[2]), 50):
    data.batch(0, position, 50)
# Not `ru_maxrss`, which begins with what the parent has at the fork.
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells")
def test_memory_does_not_grow_with_the_number_of_pictures(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "few").mkdir()
    (tmp_path / "many").mkdir()
    for number in range(200):
        file = tmp_path / "few" / f"{number}.bmp"
        PIL.Image.fromarray(rng.integers(0, 256, (128, 128, 3), np.uint8)).save(file)
        for copy in range(10):
            os.link(file, tmp_path / "many" / f"{copy}-{number}.bmp")

    def peak(folder: str, num: int) -> int:
        command = [sys.executable, "-c", _MEMORY, str(tmp_path / folder), str(num)]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    # The 1,800 more are 88 MB decoded, 353 MB as floats.
    assert peak("many", 2000) - peak("few", 200) < 40 * 1024
