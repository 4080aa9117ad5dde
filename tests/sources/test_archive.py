"""Zip and tar archives, sound, hostile and damaged."""

import hashlib
import io
import stat
import sys
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ganeval.errors import InputError
from ganeval.images.picture import DecodePolicy
from ganeval.sources.base import Source
from ganeval.sources.files import tar_members as tar_module
from ganeval.sources.files import zip as zip_module
from ganeval.sources.files.tar import Tar
from ganeval.sources.files.zip import Zip

POLICY = DecodePolicy()
Files = dict[str, bytes]


def open_zip(path: Path) -> Source:
    return Zip(str(path)).open(POLICY)


def open_tar(path: Path) -> Source:
    return Tar(str(path)).open(POLICY)


def names(source: Source) -> list[str]:
    return [item.name.rpartition(":")[2] for item in source.load(range(len(source)))]


def test_both_sort_by_raw_bytes(tmp_path: Path, files: Files, make_zip: Any, make_tar: Any) -> None:
    mixed = dict(sorted(files.items(), key=lambda entry: entry[1]))
    assert list(mixed) != list(files)
    assert names(open_zip(make_zip(tmp_path / "a.zip", mixed))) == list(files)
    assert names(open_tar(make_tar(tmp_path / "a.tar", mixed))) == list(files)


def test_zip_names_without_the_utf8_flag_sort_by_their_own_bytes(
    tmp_path: Path, files: Files, make_zip: Any
) -> None:
    # In code page 437 byte 0x82 is U+00E9 and byte 0x9c is U+00A3: the bytes sort the other way.
    contents = list(files.values())
    path = make_zip(tmp_path / "a.zip", {"xx82.png": contents[0], "xx9c.png": contents[1]})
    path.write_bytes(path.read_bytes().replace(b"xx82", b"xx\x82_").replace(b"xx9c", b"xx\x9c_"))
    assert names(open_zip(path)) == ["xx\u00e9_.png", "xx\u00a3_.png"]


def test_names_members_behind_the_archive(tmp_path: Path, files: Files, make_zip: Any) -> None:
    path = make_zip(tmp_path / "faces.zip", files)
    assert open_zip(path).load([0])[0].name == f"{path}:B.PNG"


OTHERS = {".DS_Store": b"", ".hidden/a.png": b"", "a/._0.png": b"", "read.txt": b"", "a/png": b""}


def test_zip_counts_what_it_leaves_alone(tmp_path: Path, files: Files, make_zip: Any) -> None:
    path = make_zip(tmp_path / "a.zip", files | OTHERS | {"__MACOSX/a.png": b"x"})
    with zipfile.ZipFile(path, "a") as archive:
        archive.mkdir("folder.png")
        link = zipfile.ZipInfo("link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "a.png")
    source = open_zip(path)
    assert names(source) == list(files)
    assert source.info.ignored == {"dot files": 4, "links": 1, "other files": 2}


def test_tar_counts_what_it_leaves_alone(tmp_path: Path, files: Files, make_tar: Any) -> None:
    path = make_tar(tmp_path / "a.tar", files | OTHERS)
    kinds = {tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE}
    with tarfile.open(path, "a") as archive:
        for kind in sorted(kinds):
            member = tarfile.TarInfo(f"other{ord(kind)}.png")
            member.type, member.linkname = kind, "a.png"
            archive.addfile(member)
    source = open_tar(path)
    assert names(source) == list(files)
    assert source.info.ignored == {
        "dot files": 3,
        "links": 2,
        "not a regular file": 2,
        "other files": 2,
    }


@pytest.mark.parametrize("format_number", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tar_of_a_folder_is_the_folder(
    tmp_path: Path, files: Files, make_folder: Any, format_number: int
) -> None:
    folder = make_folder(tmp_path / "folder", files)
    (folder / ("long" * 40 + ".png")).write_bytes(files["a.png"])
    with tarfile.open(tmp_path / "a.tar", "w", format=format_number) as archive:
        archive.add(folder, ".")
    source = open_tar(tmp_path / "a.tar")
    assert sorted(names(source)) == sorted([*files, "long" * 40 + ".png"])
    assert source.info.ignored == {}


@pytest.mark.parametrize("twin", ["a.png", "./a.png"])
def test_tar_refuses_a_name_twice(tmp_path: Path, files: Files, make_tar: Any, twin: str) -> None:
    path = make_tar(tmp_path / "a.tar", files)
    with tarfile.open(path, "a") as archive:
        archive.addfile(tarfile.TarInfo(twin), io.BytesIO())
    with pytest.raises(InputError, match=r"a\.tar: two members are called 'a\.png'"):
        open_tar(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_zip_refuses_a_name_twice(tmp_path: Path, files: Files, make_zip: Any) -> None:
    path = make_zip(tmp_path / "a.zip", files)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("a.png", b"")
    with pytest.raises(InputError, match=r"a\.zip: two members are called 'a\.png'"):
        open_zip(path)


def only_problem(source: Source) -> str:
    """Return the reason for the first picture, which must be the only unusable one."""
    ((index, reason),) = source.unusable().items()
    with pytest.raises(InputError) as caught:
        source.load([index])
    assert str(caught.value) == reason
    return reason


def test_zip_refuses_encryption(tmp_path: Path, files: Files, make_zip: Any) -> None:
    path = make_zip(tmp_path / "a.zip", files)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flags in the directory's first entry
    path.write_bytes(content)
    assert only_problem(open_zip(path)).startswith(f"{path}:B.PNG: encrypted")


def test_zip_refuses_rare_compression(tmp_path: Path, files: Files, make_zip: Any) -> None:
    path = make_zip(tmp_path / "a.zip", {"a.png": files["a.png"]}, zipfile.ZIP_LZMA)
    assert only_problem(open_zip(path)).startswith(f"{path}:a.png: compressed by method 14")


def test_zip_refuses_a_bomb(
    tmp_path: Path, files: Files, make_zip: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zip_module, "_BOMB_BYTES", 10**6)
    bomb = bytes(2 * 10**6)
    path = make_zip(tmp_path / "a.zip", {"a.png": bomb, "b.png": files["a.png"]})
    assert ":a.png: unpacks from " in only_problem(open_zip(path))


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_refuses_what_no_picture_is_as_large_as(
    tmp_path: Path,
    files: Files,
    make_zip: Any,
    make_tar: Any,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limit = max(len(content) for content in files.values())
    monkeypatch.setattr(zip_module if kind == "zip" else tar_module, "MAX_FILE_BYTES", limit)
    large = files | {"large.png": bytes(limit + 1)}
    if kind == "zip":
        source = open_zip(make_zip(tmp_path / "a.zip", large))
    else:
        source = open_tar(make_tar(tmp_path / "a.tar", large))
    assert f":large.png: {limit + 1:,} bytes long" in only_problem(source)


def declare_size(path: Path, num_bytes: int) -> None:
    """Change the size that the directory declares for the first member."""
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02") + 24
    content[at : at + 4] = num_bytes.to_bytes(4, "little")
    path.write_bytes(content)


@pytest.mark.parametrize("declared", [1000, 300_000_000])
def test_zip_inflates_no_more_than_is_declared(
    tmp_path: Path, make_zip: Any, declared: int
) -> None:
    import tracemalloc

    path = make_zip(tmp_path / "a.zip", {"a.png": bytes(50_000_000)})
    declare_size(path, declared)
    tracemalloc.start()
    with pytest.raises(InputError, match=r"a\.zip:a\.png: "):
        open_zip(path).load([0])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < (2_000_000 if declared == 1000 else 200_000_000)


def test_zip_with_a_damaged_member(tmp_path: Path, files: Files, make_zip: Any) -> None:
    path = make_zip(tmp_path / "a.zip", files, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[content.index(files["a.png"]) + 50] ^= 1
    path.write_bytes(content)
    source = open_zip(path)
    with pytest.raises(InputError, match=r"a\.zip:a\.png: damaged or truncated member .*CRC"):
        source.load([1])
    assert len(source.load([0, 2])) == 2


@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.99])
def test_truncated_zip(tmp_path: Path, files: Files, make_zip: Any, kept: float) -> None:
    path = make_zip(tmp_path / "a.zip", files)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept if kept >= 1 else kept * len(content))])
    with pytest.raises(InputError, match=r"a\.zip: damaged or truncated zip archive"):
        open_zip(path)


def test_no_cut_of_a_tar_loses_a_picture(tmp_path: Path, files: Files, make_tar: Any) -> None:
    path = make_tar(tmp_path / "a.tar", files)
    content = path.read_bytes()
    with tarfile.open(path) as archive:
        last = archive.getmembers()[-1]
    end = last.offset_data + (last.size + 511) // 512 * 512
    for num_bytes in range(0, end + 1, 256):
        path.write_bytes(content[:num_bytes])
        with pytest.raises(InputError, match=r"a\.tar: damaged or truncated tar archive"):
            open_tar(path)
    path.write_bytes(content[: end + 512])
    assert len(open_tar(path)) == len(files)


def test_a_tar_with_a_damaged_header_or_something_behind_its_end(
    tmp_path: Path, files: Files, make_tar: Any
) -> None:
    path = make_tar(tmp_path / "a.tar", files)
    content = path.read_bytes()
    with tarfile.open(path) as archive:
        at = archive.getmember("a/1.png").offset
    broken = content[:at] + b"\x00" * 512 + content[at + 512 :]
    noise = content[:at] + b"\x01" * 512 + content[at + 512 :]
    for bad in (broken, noise, content + content):
        path.write_bytes(bad)
        with pytest.raises(InputError, match="no end of archive"):
            open_tar(path)


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_flipped_bytes_give_pictures_or_input_errors(
    tmp_path: Path, files: Files, make_zip: Any, make_tar: Any, kind: str
) -> None:
    make, open_archive = {"zip": (make_zip, open_zip), "tar": (make_tar, open_tar)}[kind]
    path = make(tmp_path / "archive", dict(list(files.items())[:2]))
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    failures = 0
    for _ in range(300):
        damaged = np.frombuffer(content, np.uint8).copy()
        damaged[rng.integers(0, len(content), 3)] = rng.integers(0, 256, 3)
        path.write_bytes(damaged.tobytes())
        try:
            source = open_archive(path)
            source.unusable()
            for item in source.load(range(len(source))):
                item.picture()
        except InputError as error:
            failures += str(path) in str(error)
    assert failures > 10


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_threads_share_one_handle(tmp_path: Path, make_zip: Any, make_tar: Any, kind: str) -> None:
    make, open_archive = {"zip": (make_zip, open_zip), "tar": (make_tar, open_tar)}[kind]
    contents = {f"{at:03d}.png": bytes([at]) * 20_000 for at in range(100)}
    source = open_archive(make(tmp_path / "archive", contents))
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            items = list(pool.map(lambda at: source.load([at])[0], list(range(100)) * 5))
    finally:
        sys.setswitchinterval(interval)
    expected = [hashlib.sha256(content).digest() for content in contents.values()]
    assert [item.digest for item in items] == expected * 5


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_an_archive_without_pictures(
    tmp_path: Path, make_zip: Any, make_tar: Any, kind: str
) -> None:
    make, open_archive = {"zip": (make_zip, open_zip), "tar": (make_tar, open_tar)}[kind]
    with pytest.raises(InputError, match=r"archive: no images \(other files: 1\)"):
        open_archive(make(tmp_path / "archive", {"a.txt": b""}))


def test_nothing_is_unpacked(
    tmp_path: Path, files: Files, images: npt.NDArray[np.uint8], make_zip: Any, make_tar: Any
) -> None:
    outside = {"../outside.png": files["a.png"], "/outside.png": files["B.PNG"]}
    for source in (
        open_zip(make_zip(tmp_path / "a.zip", outside)),
        open_tar(make_tar(tmp_path / "a.tar", outside)),
    ):
        first = source.load([0])[0].picture()
        np.testing.assert_array_equal(first.pixels, images[1].transpose(2, 0, 1))
        assert len(source) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar", "a.zip"]
