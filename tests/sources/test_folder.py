"""Folders as they are found in the wild."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganeval.errors import InputError, UsageError
from ganeval.images.picture import SUFFIXES, DecodePolicy
from ganeval.sources import items as items_module
from ganeval.sources.base import Source
from ganeval.sources.files.folder import Folder
from ganeval.sources.files.pictures import policy_settings

Picture = Callable[..., bytes]
POLICY = DecodePolicy()


@pytest.fixture
def png(picture: Picture) -> bytes:
    return picture(np.arange(192, dtype=np.uint8).reshape(8, 8, 3))


@pytest.fixture
def root(tmp_path: Path, png: bytes) -> Path:
    """A folder with one picture, `a.png`."""
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "a.png").write_bytes(png)
    return folder


@pytest.fixture(autouse=True)
def _no_hanging() -> Iterator[None]:
    signal.alarm(20)
    yield
    signal.alarm(0)


def open_folder(path: Path) -> Source:
    return Folder(str(path)).open(POLICY)


def names(source: Source) -> list[str]:
    return [item.name for item in source.load(range(len(source)))]


def relative(source: Source, root: Path) -> list[str]:
    return [name.removeprefix(f"{root}/") for name in names(source)]


def test_sorts_whole_relative_names_by_raw_bytes(root: Path, png: bytes) -> None:
    raw = [b"a/z.png", b"a-b.png", b"Z.PNG", b"e\xcc\x81.png", b"\xc3\xa9.png", b"\xff.png"]
    for name in raw:
        path = root / os.fsdecode(name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(png)
    found = [os.fsencode(name) for name in relative(open_folder(root), root)]
    assert found == sorted([*raw, b"a.png"])


def test_takes_every_suffix_in_any_case(tmp_path: Path, png: bytes) -> None:
    for suffix in SUFFIXES:
        (tmp_path / f"x.{suffix}").write_bytes(png)
        (tmp_path / f"y.{suffix.upper()}").write_bytes(png)
    (tmp_path / "png").write_bytes(png)  # a name, not a suffix
    (tmp_path / "x.png.txt").write_bytes(png)
    source = open_folder(tmp_path)
    assert len(source) == 2 * len(SUFFIXES)
    assert source.info.ignored == {"other files": 2}


def test_counts_what_it_leaves_alone(root: Path, png: bytes) -> None:
    (root / "._a.png").write_bytes(png)
    (root / ".hidden").mkdir()
    (root / ".hidden" / "b.png").write_bytes(png)
    (root / "notes.txt").write_text("x")
    (root / "Thumbs.db").write_text("x")
    (root / "x.png").mkdir()
    (root / "x.png" / "b.png").write_bytes(png)
    source = open_folder(root)
    assert relative(source, root) == ["a.png", "x.png/b.png"]
    assert source.info.ignored == {"dot files": 2, "other files": 2}


def test_links(root: Path, png: bytes, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "b.png").write_bytes(png)
    (root / "loop").symlink_to(root)
    (root / "elsewhere").symlink_to(tmp_path / "outside")
    (root / "inside.png").symlink_to("a.png")
    (root / "outside.png").symlink_to(tmp_path / "outside" / "b.png")
    (root / "gone.txt").symlink_to("nowhere")
    source = open_folder(root)
    assert relative(source, root) == ["a.png", "elsewhere/b.png"]
    assert source.info.ignored == {
        "links to enclosing folders": 1,
        "links to listed pictures": 2,
        "other files": 1,
    }


def test_every_real_folder_is_listed_once(root: Path, png: bytes, tmp_path: Path) -> None:
    store = tmp_path / "store"
    for name in ("b.png", "deep/c.png"):
        path = store / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png)
    (tmp_path / "fake.png").write_bytes(png)  # beside the folder, and none of its pictures
    (root / "sub").mkdir()
    (root / "sub" / "d.png").write_bytes(png)
    (root / "also_sub").symlink_to("sub")  # listed under its own name
    (root / "z").symlink_to(store)
    (root / "m").symlink_to(store)  # the first in the order of names
    (root / "k").symlink_to(store / "deep")  # before the folder that it lies in
    (root / "sub" / "up").symlink_to("..")
    (store / "home").symlink_to(root)
    (store / "deep" / "above").symlink_to(tmp_path)
    (root / "x.png").symlink_to(store / "b.png")
    source = open_folder(root)
    assert relative(source, root) == ["a.png", "k/c.png", "m/b.png", "sub/d.png"]
    assert source.info.ignored == {
        "links to enclosing folders": 3,
        "links to listed folders": 3,
        "links to listed pictures": 1,
    }


def test_a_pattern_chooses_by_the_end_of_a_path(root: Path, png: bytes) -> None:
    for name in ("1_fake_B.png", "1_real_B.png", "sub/2_fake_B.png", "sub/2_FAKE_B.png"):
        (root / "sub").mkdir(exist_ok=True)
        (root / name).write_bytes(png)
    chosen = {
        "*_fake_B.png": ["1_fake_B.png", "sub/2_fake_B.png"],
        "sub/*": ["sub/2_FAKE_B.png", "sub/2_fake_B.png"],
        "[12]_r*.png": ["1_real_B.png"],
    }
    for pattern, expected in chosen.items():
        source = Folder(str(root), pattern=pattern).open(POLICY)
        assert relative(source, root) == expected
        assert source.info.ignored == {"pictures that do not fit the pattern": 5 - len(expected)}
    with pytest.raises(InputError, match=r"no images .*a pattern such as"):
        Folder(str(root), pattern="*.gif").open(POLICY)
    with pytest.raises(UsageError, match="option 'pattern' is ''"):
        Folder(str(root), pattern="")


def test_a_link_to_the_folder_itself_is_a_folder(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    (root / "b.png").symlink_to("a.png")
    source = open_folder(tmp_path / "link")
    assert relative(source, tmp_path / "link") == ["a.png"]
    assert source.info.ignored == {"links to listed pictures": 1}


@pytest.mark.parametrize("target", ["gone.png", "b.png"])  # nowhere, and itself
def test_a_link_that_leads_nowhere_is_unusable(root: Path, target: str) -> None:
    (root / "b.png").symlink_to(target)
    source = open_folder(root)
    (reason,) = source.unusable().values()
    assert list(source.unusable()) == [1]
    assert reason.startswith(f"{root}/b.png: a link to '{target}'")
    assert source.info.sizes == {(8, 8): 1}
    with pytest.raises(InputError, match=r"b\.png: a link to"):
        source.load([1])
    assert len(source.load([0])) == 1


def test_never_opens_what_is_no_regular_file(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(root / "fifo.png")
    os.mkfifo(tmp_path / "outside")
    (root / "link.png").symlink_to(tmp_path / "outside")
    monkeypatch.chdir(root)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.png")
        source = open_folder(root)
        assert relative(source, root) == ["a.png"]
    assert source.info.ignored == {"not a regular file": 3}
    assert source.unusable() == {}


def test_odd_names_stay_on_one_line(root: Path) -> None:
    (root / "new\nline.png").write_bytes(b"")
    (root / os.fsdecode(b"\xff.png")).write_bytes(b"")
    reasons = open_folder(root).unusable()
    assert [reason.partition(": ")[0] for reason in reasons.values()] == [
        f"{root}/new\\nline.png",
        f"{root}/\\udcff.png",
    ]


def test_names_every_picture_with_a_bad_header(root: Path, picture: Picture) -> None:
    (root / "empty.png").write_bytes(b"")
    (root / "page.jpg").write_bytes(b"<html>")
    (root / "tiny.png").write_bytes(picture(np.zeros((4, 9, 3), np.uint8)))
    (root / "wide.png").write_bytes(picture(np.zeros((8, 20, 3), np.uint8)))
    source = open_folder(root)
    reasons = source.unusable()
    assert list(reasons) == [1, 2, 3]
    assert all(reason.startswith(str(root)) for reason in reasons.values())
    assert source.info.sizes == {(8, 8): 1, (20, 8): 1}


@pytest.mark.parametrize(
    ("content", "said"),
    [({}, "nothing in it"), ({"a.txt": b"", ".b.png": b""}, "dot files: 1, other files: 1")],
)
def test_without_pictures(
    tmp_path: Path, content: dict[str, bytes], said: str, make_folder: Any
) -> None:
    make_folder(tmp_path, content)
    with pytest.raises(InputError, match=r"png, jpg, .*pgm") as caught:
        open_folder(tmp_path)
    assert caught.value.found == f"{tmp_path}: no images ({said})"


def test_a_file_is_no_folder(root: Path) -> None:
    with pytest.raises(InputError, match=r"a\.png: not a folder"):
        open_folder(root / "a.png")


def test_a_folder_that_may_not_be_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "locked").mkdir()
    scandir = os.scandir

    def refuse(path: Path) -> Any:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(InputError, match=r"root/locked/: cannot be read \(Permission denied\)"):
        open_folder(root)


def test_a_file_that_vanishes(root: Path) -> None:
    source = open_folder(root)
    (root / "a.png").unlink()
    with pytest.raises(InputError, match=r"a\.png: cannot be read \(No such file"):
        source.load([0])
    (reason,) = source.unusable().values()
    assert "No such file" in reason


def test_bytes_are_kept_or_compared(
    root: Path, picture: Picture, monkeypatch: pytest.MonkeyPatch, png: bytes
) -> None:
    (root / "b.png").write_bytes(png)
    monkeypatch.setattr(items_module, "KEPT_BYTES", len(png))
    source = open_folder(root)
    kept, read_again = source.load([0, 1])
    other = picture(np.zeros((8, 8, 3), np.uint8))
    expected = np.arange(192, dtype=np.uint8).reshape(8, 8, 3).transpose(2, 0, 1)
    np.testing.assert_array_equal(read_again.picture().pixels, expected)
    for path in root.iterdir():
        path.write_bytes(other)
    np.testing.assert_array_equal(kept.picture().pixels, expected)
    with pytest.raises(InputError, match=r"b\.png: changed while it was read"):
        read_again.picture()
    (root / "b.png").unlink()
    with pytest.raises(InputError, match=r"b\.png: cannot be read"):
        read_again.picture()


def test_a_file_that_is_too_large(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganeval.sources.files.folder.MAX_FILE_BYTES", 10)
    with pytest.raises(InputError, match=r"a\.png: [0-9]+ bytes long"):
        open_folder(root).load([0])


def test_settings_hold_all_that_changes_pixels(root: Path) -> None:
    policy = DecodePolicy(transparency="white", float_range=(0, 1), max_pixels=10**6)
    info = Folder(str(root), size=8).open(policy, written="as written").info
    assert info.location == "as written"
    assert info.settings == {
        "transparency": "white",
        "animated": "error",
        "exif": "ignore",
        "float_range": [0, 1],
        "size": 8,
        "crop": "none",
    }


def test_every_field_of_the_policy_has_its_setting() -> None:
    fields = set(DecodePolicy.__dataclass_fields__) - {"max_pixels"}
    assert set(policy_settings(POLICY)) == fields


def test_errors_of_decoding_name_the_file(root: Path, png: bytes) -> None:
    (root / "a.png").write_bytes(png[:-30])
    (item,) = open_folder(root).load([0])
    with pytest.raises(InputError, match=r"root/a\.png: "):
        item.picture()
