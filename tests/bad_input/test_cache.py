"""Bad input: a cache that is poisoned or cannot be written, a full disk, no memory."""

import errno
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganeval.extractors.random_network import RandomNetwork
from ganeval.features import jobs
from ganeval.features.shards import ShardStore
from ganeval.images.preparation import Preparation
from ganeval.machine import files as writing
from tests.bad_input.outcomes import JSON, RANDOM, files, refusal, report, shards, values
from tests.command import Command
from tests.pictures import blobs

SHARD_SIZE = 100
MANY = 220  # three shards


class Payload:
    """A Python object whose loading makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.path),))


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Small pictures for three shards."""
    monkeypatch.setattr(jobs, "SHARD_SIZE", SHARD_SIZE)
    path = tmp_path / "many.npy"
    np.save(path, blobs(MANY, seed=66, height=8, width=8))
    return path


def test_poisoned_entries_are_computed_again_and_never_run(
    ganeval: Command, real: Path, fake: Path, own_cache: Path, tmp_path: Path
) -> None:
    trap = tmp_path / "trap"
    words = ("eval", real, fake, *JSON)
    first = ganeval(*words)
    good = {path: path.read_bytes() for path in shards(own_cache)}
    assert len(good) == 4  # two layers of two sides
    one, two = sorted(good, key=lambda path: len(good[path]))[2:]  # those that are read of both
    with (tmp_path / "torch.pt").open("wb") as file:
        torch.save({"pool": Payload(trap)}, file)
    poisons = [
        pickle.dumps(Payload(trap)),
        (tmp_path / "torch.pt").read_bytes(),
        b"",
        b"<html></html>",
        good[one][: len(good[one]) // 2],
        good[two],  # whole, but another shard
        good[one][:-1] + bytes([good[one][-1] ^ 1]),
        b"\xff" * 8 + good[one][8:],
        bytes([good[one][0] ^ 1]) + good[one][1:],
    ]
    for poison in poisons:
        one.write_bytes(poison)
        again = ganeval(*words)
        assert again.out == first.out
        assert f"ganeval: warning: {one}: damaged cache file (" in again.err
        assert again.err.count(" 0 computed, ") == 1  # the other shard was not touched
        assert {path: path.read_bytes() for path in shards(own_cache)} == good
    assert not trap.exists()
    pickle.loads(poisons[0])
    assert trap.exists()  # the trap itself works


def test_odd_things_in_the_cache(
    ganeval: Command, real: Path, fake: Path, own_cache: Path, tmp_path: Path
) -> None:
    words = ("fid", real, fake, *JSON)
    first = ganeval(*words)
    one, two = sorted(shards(own_cache), key=lambda path: path.stat().st_size)[2:]
    elsewhere = tmp_path / "elsewhere.txt"
    elsewhere.write_text("not to be overwritten")
    one.unlink()
    one.symlink_to(elsewhere)
    assert ganeval(*words).out == first.out
    assert elsewhere.read_text() == "not to be overwritten"
    two.unlink()
    two.mkdir()
    line = refusal(ganeval(*words), code=4)
    assert f"{two}: cannot be written (Is a directory); " in line
    assert "--no-cache" in line
    assert ganeval(*words, "--no-cache").code == 0


@pytest.fixture(params=["a file in the way", "no access"])
def unusable_cache(
    request: pytest.FixtureRequest, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The cache folder of the environment, not to be written to (root may write anywhere)."""
    folder = own_cache / "place"
    if request.param == "no access":
        access = os.access
        monkeypatch.setattr(
            os, "access", lambda path, mode: folder not in Path(path).parents and access(path, mode)
        )
    else:
        folder.write_text("a file where a folder should be")
    monkeypatch.setenv("GANEVAL_CACHE", str(folder))
    return folder


def test_a_cache_that_cannot_be_used_is_done_without(
    ganeval: Command,
    real: Path,
    fake: Path,
    unusable_cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    temporary = tmp_path / "temporary"  # that of all processes has what other tests leave
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    expected = ganeval("eval", real, fake, *JSON, "--no-cache")
    found = ganeval("eval", real, fake, *JSON)
    warnings = [line for line in found.err.splitlines() if "warning: " in line]
    assert len(warnings) == 1
    assert f"{unusable_cache}/shards: cannot be used as cache (" in warnings[0]
    assert values(found) == values(expected)
    assert shards(unusable_cache) == []
    assert not list(temporary.iterdir())


def test_a_cache_that_was_asked_for_must_work(
    ganeval: Command, real: Path, fake: Path, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_text("a file where a folder should be")
    line = refusal(ganeval("fid", real, fake, *RANDOM, "--cache-dir", path), code=4)
    assert f"{path}/shards: cannot be used as cache (Not a directory); " in line
    assert "choose another with --cache-dir, or use --no-cache" in line


def test_access_is_lost_during_the_run(
    ganeval: Command, real: Path, fake: Path, monkeypatch: pytest.MonkeyPatch, own_cache: Path
) -> None:
    def refused(descriptor: int) -> None:
        raise PermissionError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "fsync", refused)
    line = refusal(ganeval("fid", real, fake, *RANDOM), code=4)
    assert (
        "cannot be written (Read-only file system); needed: a cache folder with write access; "
        in line
    )
    assert files(own_cache) == []


def test_shards_of_another_user(
    ganeval: Command, real: Path, fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ganeval("fid", real, fake, *JSON)

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "utime", refused)
    found = ganeval("fid", real, fake, *JSON)
    assert found.out == first.out
    assert "0 computed, 25 found in the cache" in found.err


PAGE = 4096  # bytes; a file takes whole pages of a tmpfs


def mount(folder: Path, size: int) -> bool:
    """Mount a file system of `size` bytes in memory, if this is allowed here."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if shutil.which("mount") is None:
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def simulate(folder: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is written within `folder` fail when it holds `size` bytes."""
    fsync, reserve = os.fsync, writing.reserve

    def used() -> int:
        return sum(-(-path.stat().st_size // PAGE) * PAGE for path in files(folder))

    def full(descriptor: int) -> None:
        if used() > size:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    def reserved(path: Path, num_bytes: int) -> None:
        if folder in path.parents and used() + num_bytes > size:
            raise writing.disk_full(path, num_bytes)
        reserve(path, num_bytes)

    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.setattr("ganeval.features.shards.reserve", reserved)


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], Path]]:
    """Make a folder that so many bytes fit into, on a disk of its own if root may mount one."""
    mounted: list[Path] = []

    def make(size: int) -> Path:
        folder = tmp_path / "disk"
        folder.mkdir()
        if mount(folder, size):
            mounted.append(folder)
        else:
            simulate(folder, size, monkeypatch)
        return folder

    yield make
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)


SHARD_BYTES = SHARD_SIZE * (64 + 10) * 4


def test_the_cache_fills_the_disk(
    ganeval: Command, real: Path, many: Path, small_disk: Callable[[int], Path]
) -> None:
    disk = small_disk(SHARD_BYTES + 8 * PAGE)
    words = ("fid", real, many, "--cache-dir", disk, *JSON)
    line = refusal(ganeval(*words), code=4)
    assert f"{disk}/shards/" in line
    assert ".safetensors: the disk is full; " in line
    assert " bytes, and " in line
    assert " free; free some space (`ganeval cache prune`) or choose another place" in line
    left = files(disk)
    assert left == shards(disk)  # whole shards, no temporary files
    assert len(left) == 4  # two layers of each part
    # What is finished counts: with more space the run goes on from there.
    roomy = disk.parent / "roomy"
    shutil.copytree(disk, roomy)
    found = ganeval("fid", real, many, "--cache-dir", roomy, *JSON)
    assert f"{many}: 220 images, 120 computed, 100 found in the cache" in found.err


@pytest.mark.parametrize("name", ["run.json", "run.csv", "run.md", "run.tex"])
def test_a_report_that_does_not_fit(
    ganeval: Command, real: Path, fake: Path, small_disk: Callable[[int], Path], name: str
) -> None:
    disk = small_disk(PAGE)
    path = disk / name
    path.write_text("older report")
    line = refusal(ganeval("eval", real, fake, *RANDOM, "-o", path), code=4)
    assert f"{path}: the disk is full; " in line
    assert path.read_text() == "older report"
    assert files(disk) == [path]


def test_statistics_that_do_not_fit(
    ganeval: Command, real: Path, small_disk: Callable[[int], Path]
) -> None:
    disk = small_disk(2 * PAGE)
    path = disk / "real.npz"
    line = refusal(ganeval("stats", "make", real, "-o", path, *RANDOM), code=4)
    assert f"{path}: the disk is full; " in line
    assert " bytes, and " in line
    assert files(disk) == []


def test_rows_on_disk_that_do_not_fit(
    ganeval: Command,
    real: Path,
    many: Path,
    small_disk: Callable[[int], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ShardStore, "matrix", ShardStore.scratch_rows)
    disk = small_disk(3 * SHARD_BYTES + 8 * PAGE)
    words = ("eval", real, many, "-m", "kid", "--cache-dir", disk, *JSON)
    line = refusal(ganeval(*words), code=4)
    assert "the disk is full; needed: 56,320 bytes, and " in line
    assert files(disk) == shards(disk)
    assert len(files(disk)) == 8


def test_a_full_stdout() -> None:
    command = [sys.executable, "-m", "ganeval", "list", "metrics"]
    with Path("/dev/full").open("w") as full:
        found = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert found.returncode == 4
    assert found.stderr.startswith("ganeval: error: stdout")
    assert "the disk is full; " in found.stderr
    assert len(found.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "failure",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nOf the ..."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate"),
    ],
)
def test_out_of_memory(
    ganeval: Command,
    real: Path,
    many: Path,
    own_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: Exception,
) -> None:
    run, calls = RandomNetwork.__call__, []

    def exhausted(self: RandomNetwork, batch: torch.Tensor, layers: Sequence[str]) -> Any:
        calls.append(len(batch))
        if len(calls) == 10:
            raise failure
        return run(self, batch, layers)

    monkeypatch.setattr(RandomNetwork, "__call__", exhausted)
    line = refusal(ganeval("is", many, *RANDOM), code=4)
    assert "out of memory; " in line
    assert "lower --batch-size" in line
    assert len(files(own_cache)) == len(shards(own_cache)) == 2  # what was finished is kept
    found = ganeval("is", many, *JSON)
    assert "120 computed, 100 found in the cache" in found.err
    assert report(found)["scores"][0]["num_sample"] == MANY


def test_out_of_memory_while_decoding(
    ganeval: Command, real: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Preparation, "__call__", exhausted)
    words = ("fid", real, real, *RANDOM, "--on-bad-image", "skip", "--max-bad", "100%")
    assert "lower --batch-size or --workers" in refusal(ganeval(*words), code=4)
    assert files(own_cache) == []
