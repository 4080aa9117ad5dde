"""Files that were read before: what is not read again, and what must be."""

import contextlib
import hashlib
import io
import logging
import os
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from ganeval.errors import InputError, UnstableError
from ganeval.images.picture import DecodePolicy
from ganeval.sources.files import index_files
from ganeval.sources.files.encoded import EncodedSource
from ganeval.sources.files.file_system import file_system, file_system_of
from ganeval.sources.files.index import open_index
from ganeval.sources.kinds import open_text

Picture = Callable[..., bytes]
POLICY = DecodePolicy()
SECOND = 10**9


@pytest.fixture
def picture_of(picture: Picture) -> Callable[[int], bytes]:
    """Return a function from a number to the bytes of a picture; all are equally long."""

    def make(number: int) -> bytes:
        pixels = np.full((8, 8, 3), number % 256, np.uint8)
        pixels[0, 0] = (number // 256, 7, 9)
        return picture(pixels, "BMP")

    return make


@pytest.fixture
def root(tmp_path: Path, picture_of: Callable[[int], bytes]) -> Path:
    """A folder with four pictures."""
    folder = tmp_path / "root"
    (folder / "sub").mkdir(parents=True)
    for number, name in enumerate(("a.bmp", "b.bmp", "sub/c.bmp", "sub/d.bmp")):
        (folder / name).write_bytes(picture_of(number))
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "index"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let ten seconds pass between what a test writes and what is read; or as many as it says."""
    now = time.time_ns
    ahead = [10.0]
    monkeypatch.setattr(time, "time_ns", lambda: now() + int(ahead[0] * SECOND))
    return lambda seconds: ahead.__setitem__(0, seconds)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pictures and archives that are opened."""
    names: list[str] = []
    real = io.open

    def spy(file: Any, *args: Any, **options: Any) -> Any:
        if str(file).endswith((".bmp", ".png", ".gif", ".zip", ".tar")):
            names.append(Path(file).name)
        return real(file, *args, **options)

    monkeypatch.setattr(io, "open", spy)
    return names


class Run:
    """What a run learns of a source: digests, sizes, notes, what cannot be used."""

    def __init__(self, source: Any) -> None:
        self.info = source.info
        self.unusable = dict(source.unusable())
        self.digests: dict[str, bytes | str] = {}
        for at, name in enumerate(source.container.listing.names):
            try:
                (item,) = source.load([at])
                self.digests[name] = item.digest
            except InputError as error:
                self.digests[name] = str(error)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and vars(self) == vars(other)


def run(
    text: Path | str,
    cache: Path | None,
    policy: DecodePolicy = POLICY,
    *,
    rehash: bool = False,
    trust_times: bool = True,
) -> Run:
    """Go over a source as a run does; without a cache, everything is read."""
    with open_index(cache, rehash=rehash, trust_times=trust_times) as index:
        return Run(open_text(str(text), policy, index=index))


def sha(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def keep_times(path: Path, change: Callable[[], object]) -> None:
    """Change a file, and give it the mtime that it had."""
    state = path.stat()
    change()
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert path.stat().st_mtime_ns == state.st_mtime_ns


def test_reads_nothing_twice(root: Path, cache: Path, opened: list[str]) -> None:
    truth = run(root, None)
    first = run(root, cache)
    assert len(opened) == 16  # the header, then the whole
    opened.clear()
    assert run(root, cache) == first == truth
    assert opened == []
    assert run(f"folder:{root}", cache) == replaced(truth, location=f"folder:{root}")
    assert opened == []


def replaced(one: Run, **fields: Any) -> Run:
    """Return what was learned, under another name."""
    one.info = replace(one.info, **fields)
    return one


def test_without_an_index_all_is_read(root: Path, opened: list[str]) -> None:
    run(root, None)
    run(root, None)
    assert len(opened) == 16


def test_rehash_reads_all_and_keeps_it(root: Path, cache: Path, opened: list[str]) -> None:
    truth = run(root, cache)
    opened.clear()
    assert run(root, cache, rehash=True) == truth
    assert len(opened) == 8
    opened.clear()
    assert run(root, cache) == truth
    assert opened == []


def rewritten(root: Path, other: bytes) -> None:
    (root / "a.bmp").write_bytes(other)


def rewritten_under_old_times(root: Path, other: bytes) -> None:
    keep_times(root / "a.bmp", lambda: (root / "a.bmp").write_bytes(other))


def replaced_under_old_times(root: Path, other: bytes) -> None:
    state = (root / "a.bmp").stat()
    (root / "new").write_bytes(other)
    os.utime(root / "new", ns=(state.st_atime_ns, state.st_mtime_ns))
    (root / "new").replace(root / "a.bmp")


def swapped(root: Path, other: bytes) -> None:
    states = [(root / name).stat().st_mtime_ns for name in ("a.bmp", "b.bmp")]
    (root / "a.bmp").rename(root / "between")
    (root / "b.bmp").rename(root / "a.bmp")
    (root / "between").rename(root / "b.bmp")
    for name, mtime in zip(("a.bmp", "b.bmp"), states, strict=True):
        os.utime(root / name, ns=(mtime, mtime))


def touched(root: Path, other: bytes) -> None:
    os.utime(root / "a.bmp")


def linked(root: Path, other: bytes) -> None:
    (root / "a.bmp").rename(root.parent / "a.bmp")
    (root / "a.bmp").symlink_to(root.parent / "a.bmp")


def linked_to_another(root: Path, other: bytes) -> None:
    (root.parent / "other.bmp").write_bytes(other)
    (root / "a.bmp").unlink()
    (root / "a.bmp").symlink_to(root.parent / "other.bmp")


def removed(root: Path, other: bytes) -> None:
    (root / "a.bmp").unlink()


def damaged(root: Path, other: bytes) -> None:
    keep_times(root / "a.bmp", lambda: (root / "a.bmp").write_bytes(b"x" * len(other)))


def added(root: Path, other: bytes) -> None:
    (root / os.fsdecode(b"\xff.bmp")).write_bytes(other)


CHANGES = (
    *(rewritten, rewritten_under_old_times, replaced_under_old_times, swapped, touched, linked),
    *(linked_to_another, removed, damaged, added),
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_notices(
    root: Path,
    cache: Path,
    opened: list[str],
    picture_of: Callable[[int], bytes],
    change: Callable[[Path, bytes], None],
) -> None:
    before = run(root, cache)
    change(root, picture_of(99))
    truth = run(root, None)
    opened.clear()
    assert run(root, cache) == truth
    assert (truth.digests == before.digests) == (change in (touched, linked))
    assert set(opened) <= {"a.bmp", "b.bmp", os.fsdecode(b"\xff.bmp")}
    opened.clear()
    assert run(root, cache) == truth
    assert opened == (["a.bmp"] if change is damaged else [])  # refused again, in the same words


def test_a_change_within_the_run_is_not_kept(
    root: Path, cache: Path, picture_of: Callable[[int], bytes]
) -> None:
    path = root / "a.bmp"
    with open_index(cache, trust_times=True) as index:
        source = open_text(str(root), POLICY, index=index)
        source.info  # noqa: B018 (reads the headers)
        container = source.container  # type: ignore[attr-defined]
        read = container.read

        def read_and_change(at: int) -> bytes:
            content: bytes = read(at)
            if at == 0:
                keep_times(path, lambda: path.write_bytes(picture_of(99)))
            return content

        container.read = read_and_change
        source.load(range(4))
    assert run(root, cache) == run(root, None)


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 2.0])
def test_what_has_just_changed_is_read_again(
    root: Path,
    cache: Path,
    opened: list[str],
    clock: Callable[[float], None],
    picture_of: Callable[[int], bytes],
    seconds: float,
) -> None:
    """A second change may leave the same times behind; here both are what the file system shows."""
    clock(seconds)
    run(root, cache)
    opened.clear()
    clock(100)
    run(root, cache)
    assert len(opened) == 8
    opened.clear()
    run(root, cache)
    assert opened == []


def test_a_time_in_the_future_is_not_trusted(root: Path, cache: Path, opened: list[str]) -> None:
    later = time.time_ns() + 1000 * SECOND
    os.utime(root / "a.bmp", ns=(later, later))
    run(root, cache)
    opened.clear()
    run(root, cache)
    assert opened == ["a.bmp", "a.bmp"]


def test_the_policy_matters_for_what_is_usable_and_not_for_digests(
    tmp_path: Path, cache: Path, opened: list[str]
) -> None:
    root = tmp_path / "gifs"
    root.mkdir()
    frames = [PIL.Image.new("RGB", (9, 8), color) for color in ("red", "blue", "white")]
    frames[0].save(root / "a.gif", save_all=True, append_images=frames[1:])
    frames[0].save(root / "b.gif")
    first = run(root, cache, DecodePolicy(animated="first"))
    assert first.unusable == {}
    opened.clear()
    small = DecodePolicy(animated="first", max_pixels=71)
    for policy in (POLICY, small, DecodePolicy(transparency="white", animated="first")):
        found = run(root, cache, policy)
        assert opened == []
        truth = run(root, None, policy)
        opened.clear()
        assert found == truth
        assert found.digests == first.digests
    assert list(run(root, cache, POLICY).unusable) == [0]
    assert list(run(root, cache, small).unusable) == [0, 1]


def test_a_known_picture_is_read_when_it_is_asked_for_and_must_be_the_same(
    root: Path, cache: Path, opened: list[str], picture_of: Callable[[int], bytes]
) -> None:
    run(root, cache)
    opened.clear()
    with open_index(cache, trust_times=True) as index:
        source = open_text(str(root), POLICY, index=index)
        items = source.load(range(4))
        assert opened == []
        assert items[1].content().pixels[1, 0, 0] == 7
        assert opened == ["b.bmp"]
        (root / "a.bmp").write_bytes(picture_of(99))
        with pytest.raises(UnstableError, match=r"a\.bmp: changed while it was read"):
            items[0].content()
        (root / "a.bmp").unlink()
        with pytest.raises(UnstableError, match=r"a\.bmp: cannot be read"):
            items[0].content()


def test_times_that_lied_are_not_believed_twice(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, picture_of: Callable[[int], bytes]
) -> None:
    run(root, cache)
    path = root / "a.bmp"
    old = path.stat()
    path.write_bytes(picture_of(99))
    stat = os.stat

    def lie(file: Any, *args: Any, **options: Any) -> os.stat_result:
        return old if str(file) == str(path) else stat(file, *args, **options)

    monkeypatch.setattr(os, "stat", lie)
    assert run(root, cache) != run(root, None)
    with open_index(cache, trust_times=True) as index:
        (item,) = open_text(str(root), POLICY, index=index).load([0])
        with pytest.raises(UnstableError):
            item.content()
    assert run(root, cache) == run(root, None)


def test_files_behind_another_path_are_not_taken_for_those_that_were_looked_at(
    root: Path, cache: Path, picture_of: Callable[[int], bytes]
) -> None:
    """A folder that is moved takes its files along, whose times stay as they are."""
    other = root.parent / "other"
    other.mkdir()
    for name in ("c.bmp", "d.bmp"):
        (other / name).write_bytes(picture_of(99))
    with open_index(cache, trust_times=True) as index:
        source = open_text(str(root), POLICY, index=index)
        (root / "sub").rename(root.parent / "aside")
        other.rename(root / "sub")
        Run(source)
    (root / "sub").rename(other)
    (root.parent / "aside").rename(root / "sub")
    assert run(root, cache) == run(root, None)


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_archives(
    tmp_path: Path,
    cache: Path,
    opened: list[str],
    make_zip: Any,
    make_tar: Any,
    picture_of: Callable[[int], bytes],
    kind: str,
) -> None:
    make = {"zip": lambda path, files: make_zip(path, files, zipfile.ZIP_STORED), "tar": make_tar}
    path = tmp_path / f"faces.{kind}"
    names = ("a.bmp", "b.bmp", "c.bmp")
    make[kind](path, {name: picture_of(at) for at, name in enumerate(names)})
    first = run(path, cache)
    assert first == run(path, None)
    assert list(first.digests.values()) == [sha(picture_of(at)) for at in range(3)]
    with open_index(cache, trust_times=True) as index:
        source = open_text(str(path), POLICY, index=index)
        assert isinstance(source, EncodedSource)
        container: Any = source.container
        container.read = None  # nothing is read from here on
        if kind == "zip":
            container.stream = None
        assert source.info == first.info
        assert [item.digest for item in source.load(range(3))] == list(first.digests.values())
    (kept,) = cache.iterdir()
    rows = index_files.read_rows(kept).values()
    # Those of a tar are read in listing it, before its state is looked at.
    assert all((row.facts.header is None) == (kind == "tar") for row in rows)
    keep_times(path, lambda: make[kind](path, {name: picture_of(7) for name in names}))
    assert set(run(path, cache).digests.values()) == {sha(picture_of(7))}


def test_a_row_of_tars(
    tmp_path: Path, cache: Path, make_tar: Any, picture_of: Callable[[int], bytes]
) -> None:
    for at in range(2):
        make_tar(tmp_path / f"faces-{at}.tar", {"a.bmp": picture_of(at)})
    text = f"{tmp_path}/faces-{{0..1}}.tar"
    truth = run(text, None)
    assert run(text, cache) == run(text, cache) == truth
    assert len(list(cache.iterdir())) == 1


def test_one_file_for_each_location(
    root: Path, cache: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root.parent)
    with open_index(cache, trust_times=True) as index:  # two sources in one command
        for pattern in ("a*", "*"):
            Run(open_text(f"folder:root,pattern={pattern}", POLICY, index=index))
    run(root / "sub", cache)
    assert len(list(cache.iterdir())) == 2
    opened.clear()
    run(root, cache)
    assert opened == []
    (root.parent / "link").symlink_to(root)
    run("link", cache)
    assert opened == []


def test_nothing_grows_for_ever(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, picture_of: Callable[[int], bytes]
) -> None:
    run(root, cache)
    (path,) = cache.iterdir()
    assert len(index_files.read_rows(path)) == 4
    for number in range(5):  # a changed file has one row
        (root / "a.bmp").write_bytes(picture_of(number))
        run(root, cache)
    assert len(index_files.read_rows(path)) == 4
    (root / "a.bmp").unlink()
    now = time.time
    for days, count in ((20, 4), (40, 3)):  # the removed one goes, those in use stay
        monkeypatch.setattr(time, "time", lambda days=days: now() + days * 86_400)
        run(root, cache)
        assert len(index_files.read_rows(path)) == count


def test_processes_at_once_lose_nothing(root: Path, cache: Path, opened: list[str]) -> None:
    with (
        open_index(cache, trust_times=True) as one,
        open_index(cache, trust_times=True) as other,
    ):
        first = open_text(str(root), POLICY, index=one)
        second = open_text(str(root), POLICY, index=other)
        first.info, second.info  # noqa: B018 (reads the headers)
        first.load([0, 1])
        second.load([2, 3])
    opened.clear()
    assert run(root, cache) == run(root, None)
    assert len(opened) == 8  # those of the truth


@pytest.mark.parametrize("damage", ["", "x", "cut", "flip"])
def test_a_damaged_index_is_told_and_made_anew(
    root: Path, cache: Path, opened: list[str], caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    truth = run(root, cache)
    (path,) = cache.iterdir()
    content = path.read_bytes()
    flipped = bytearray(content)
    flipped[-20] ^= 1
    path.write_bytes({"cut": content[:-50], "flip": bytes(flipped)}.get(damage, damage.encode()))
    with caplog.at_level(logging.WARNING):
        assert run(root, cache) == truth
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == (
        f"{path}: an index of files that cannot be used (damaged); "
        f"all files of {root} are read again"
    )
    opened.clear()
    assert run(root, cache) == truth
    assert opened == []


def test_another_format_or_reader_is_no_damage(
    root: Path,
    cache: Path,
    opened: list[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    truth = run(root, cache)
    opened.clear()
    monkeypatch.setattr(index_files, "_reader", lambda kind: "another Pillow")
    assert run(root, cache) == truth
    assert opened == ["a.bmp", "b.bmp", "c.bmp", "d.bmp"]  # the headers
    opened.clear()
    monkeypatch.setattr(index_files, "FORMAT", index_files.FORMAT + 1)
    assert run(root, cache) == truth
    assert len(opened) == 8
    assert not caplog.records


def test_a_folder_that_cannot_be_written_to_loses_nothing_else(
    root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    with caplog.at_level(logging.INFO):
        assert run(root, tmp_path / "file" / "index") == run(root, None)
    (record,) = caplog.records  # the store tells what cannot be used as cache
    assert record.levelno == logging.INFO
    assert "cannot be written" in record.getMessage()


def test_what_was_read_is_kept_when_a_run_fails(root: Path, cache: Path, opened: list[str]) -> None:
    (root / "a.bmp").rename(root / "a.png")

    def work() -> None:
        with open_index(cache, trust_times=True) as index:
            source = open_text(str(root), POLICY, index=index)
            source.load(range(4))
            (root / "sub").rename(root / "elsewhere")
            source.load(range(4))

    with pytest.raises(InputError, match=r"c\.bmp: cannot be read"):
        work()
    opened.clear()
    run(root, cache)
    assert len(opened) == 4  # the headers


def test_relies_only_on_file_systems_that_are_known(
    root: Path, cache: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, count in (("nfs4", 8), (None, 8), ("fuse.sshfs", 8), ("ext4", 8), ("ext4", 0)):
        monkeypatch.setattr(
            "ganeval.sources.files.file_system.file_system", lambda path, kind=kind: kind
        )
        opened.clear()
        run(root, cache, trust_times=False)
        assert len(opened) == count, kind
    monkeypatch.setattr("ganeval.sources.files.file_system.file_system", lambda path: "nfs")
    opened.clear()
    run(root, cache, trust_times=True)
    assert opened == []


def test_relies_on_no_clock_of_whole_seconds(
    root: Path, cache: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read-only images, whose ctime is the mtime, may lie below an overlay."""
    monkeypatch.setattr("ganeval.sources.files.file_system.file_system", lambda path: "overlay")
    real = os.stat

    class Coarse:
        def __init__(self, state: os.stat_result) -> None:
            self._state = state

        def __getattr__(self, name: str) -> Any:
            value = getattr(self._state, name)
            return value // SECOND * SECOND if name == "st_ctime_ns" else value

    def stat(path: Any, *args: Any, **options: Any) -> Any:
        state = real(path, *args, **options)
        return Coarse(state) if str(path).endswith(".bmp") else state

    monkeypatch.setattr(os, "stat", stat)
    run(root, cache, trust_times=False)
    opened.clear()
    run(root, cache, trust_times=False)
    assert len(opened) == 8
    run(root, cache, trust_times=True)
    opened.clear()
    run(root, cache, trust_times=True)
    assert opened == []


def test_file_system_of_an_open_file() -> None:
    mounts = (
        "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
        "27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,discard\n"
        "271 27 0:50 / /with\\040space rw - fuse.sshfs host:/pictures rw\n"
    )
    kinds = {22: "proc", 27: "ext4", 271: "fuse.sshfs", 2: None}
    for number, kind in kinds.items():
        info = f"pos:\t0\nflags:\t012000000\nmnt_id:\t{number}\nino:\t27\n"
        assert file_system_of(info, mounts) == kind
    assert file_system_of("pos:\t0\n", mounts) is None


@pytest.mark.skipif(not Path("/proc/self/mountinfo").exists(), reason="Linux tells it there")
def test_file_system_of_real_files(tmp_path: Path) -> None:
    assert file_system("/proc/self/mountinfo") == "proc"
    assert file_system(str(tmp_path)) not in (None, "proc")
    assert file_system(str(tmp_path / "nothing")) is None


def test_upkeep(root: Path, cache: Path) -> None:
    assert index_files.measure(cache) == index_files.IndexSize(0, 0)
    run(root, cache)
    (path,) = cache.iterdir()
    size = index_files.IndexSize(1, path.stat().st_size)
    left = cache / f".{path.name}.{'0' * 32}.tmp"
    left.write_bytes(b"x")
    (cache / "other.txt").write_text("x")
    assert index_files.measure(cache) == size
    assert index_files.prune(cache, older_than_days=1) == index_files.IndexSize(0, 0)
    assert index_files.prune(cache, older_than_days=-1) == size
    assert [entry.name for entry in cache.iterdir()] == ["other.txt"]


def test_any_series_of_changes(
    tmp_path: Path, cache: Path, picture: Picture, picture_of: Callable[[int], bytes]
) -> None:
    """A run with the index always learns what a run without it does."""
    rng = np.random.default_rng(0)
    root = tmp_path / "series"
    root.mkdir()
    (root / "always.bmp").write_bytes(picture_of(0))
    names = [f"{number}.bmp" for number in range(6)]
    contents = [*map(picture_of, range(4)), b"no picture", picture(np.zeros((8, 9), np.uint8))]

    def write(one: Path, other: Path, content: bytes) -> None:
        one.unlink(missing_ok=True)
        one.write_bytes(content)

    def rewrite(one: Path, other: Path, content: bytes) -> None:
        keep_times(one, lambda: one.write_bytes(content))

    def age(one: Path, other: Path, content: bytes) -> None:
        os.utime(one, ns=(0, len(content) * SECOND))

    def swap(one: Path, other: Path, content: bytes) -> None:
        one.rename(root / "between")
        other.rename(one)
        (root / "between").rename(other)

    changes: list[Callable[[Path, Path, bytes], object]] = [
        *(write, write, rewrite, age, swap),
        lambda one, other, content: one.replace(other),
        lambda one, other, content: one.unlink(),
        lambda one, other, content: other.hardlink_to(one),
        lambda one, other, content: other.symlink_to(one.name),
    ]
    for _ in range(150):
        for _ in range(rng.integers(0, 4)):
            one, other = (root / str(name) for name in rng.choice(names, 2, replace=False))
            change = changes[rng.integers(len(changes))]
            with contextlib.suppress(OSError):  # where a file is missing, or in the way
                change(one, other, contents[rng.integers(len(contents))])
        policy = DecodePolicy(max_pixels=int(rng.choice([64, 72])))
        assert run(root, cache, policy) == run(root, None, policy)
