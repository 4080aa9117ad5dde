"""Bad input: killed, interrupted, and two processes at once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ganeval.features import jobs
from ganeval.metrics.frechet import Fid
from tests.bad_input.child import SHARD_SIZE
from tests.bad_input.outcomes import JSON, RANDOM, files, report, shards, whole
from tests.command import Command, Outcome
from tests.pictures import blobs

ROOT = Path(__file__).parents[2]
NUM = 220  # images in three shards


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pictures for three small shards."""
    monkeypatch.setattr(jobs, "SHARD_SIZE", SHARD_SIZE)
    path = tmp_path / "many.npy"
    np.save(path, blobs(NUM, seed=66, height=8, width=8))
    return path


@pytest.fixture
def undisturbed(
    ganeval: Command, many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Outcome:
    """The run of `is` over the pictures that nothing happens to, in a cache of its own."""
    with monkeypatch.context() as patch:
        patch.setenv("GANEVAL_CACHE", str(tmp_path / "another cache"))
        patch.setattr(sys, "argv", ["ganeval", "is", str(many), *JSON])
        return ganeval("is", many, *JSON)


@pytest.fixture
def again(ganeval: Command, many: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run the same once more in the usual cache."""

    def call() -> Outcome:
        monkeypatch.setattr(sys, "argv", ["ganeval", "is", str(many), *JSON])
        return ganeval("is", many, *JSON)

    return call


def start(accident: str, many: Path, *descriptors: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.bad_input.child", accident, "is", str(many), *JSON],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=descriptors,
    )


def end(process: "subprocess.Popen[str]") -> Outcome:
    out, err = process.communicate(timeout=120)
    return Outcome(process.returncode, out, err)


def test_killed_in_the_middle_of_a_write(
    many: Path, own_cache: Path, undisturbed: Outcome, again: Command
) -> None:
    found = end(start("KILL@write=3", many))
    assert found.code == -signal.SIGKILL
    assert found.out == ""
    finished = shards(own_cache)  # two layers of the first part
    (torn,) = set(files(own_cache)) - set(finished)
    assert torn.name.endswith(".tmp")
    states = [path.stat().st_ino for path in finished]
    found = again()
    assert found.out == undisturbed.out
    assert f"{many}: 220 images, 120 computed, 100 found in the cache" in found.err
    assert [path.stat().st_ino for path in finished] == states
    assert len(shards(own_cache)) == 6
    # Perhaps another process is still writing there; what is a day old is swept.
    os.utime(torn, (0, time.time() - 2 * 86_400))
    assert again().out == undisturbed.out
    assert files(own_cache) == whole(own_cache)


@pytest.mark.parametrize("name", ["INT", "TERM"])
def test_interrupted(
    many: Path, own_cache: Path, undisturbed: Outcome, again: Command, name: str
) -> None:
    found = end(start(f"{name}@network=10", many))
    assert found.code == 130
    assert found.out == ""
    assert found.err.strip() == (
        f"ganeval: interrupted: 100 of 220 images of {many} are in the cache; "
        "run the same command again to go on"
    )
    assert len(shards(own_cache)) == 2
    assert files(own_cache) == whole(own_cache)
    found = again()
    assert found.out == undisturbed.out
    assert f"{many}: 220 images, 120 computed, 100 found in the cache" in found.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_while_computing_a_metric(
    ganeval: Command,
    real: Path,
    fake: Path,
    own_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    def interrupted(*_: object) -> None:
        signal.raise_signal(number)

    monkeypatch.setattr(Fid, "compute", interrupted)
    path = own_cache.parent / "run.json"
    found = ganeval("fid", real, fake, *JSON, "-o", path)
    assert found.code == 130
    assert found.out == ""
    assert found.err.splitlines()[-1] == "ganeval: interrupted"
    assert not path.exists()
    assert len(shards(own_cache)) == 4


def test_two_processes_at_once(
    many: Path, own_cache: Path, undisturbed: Outcome, again: Command
) -> None:
    ready, tell_ready = os.pipe()
    go, tell_go = os.pipe()
    accident = f"meet@{tell_ready}={go}"
    processes = [start(accident, many, tell_ready, go) for _ in range(2)]
    os.close(tell_ready)
    for _ in processes:
        assert os.read(ready, 1) == b"."
    assert shards(own_cache) == []
    os.write(tell_go, b"..")
    outcomes = [end(process) for process in processes]
    for descriptor in (ready, go, tell_go):
        os.close(descriptor)
    for found in outcomes:
        assert found.code == 0
        assert found.out == undisturbed.out
        assert "warning" not in found.err
    assert len(shards(own_cache)) == 6
    assert files(own_cache) == whole(own_cache)
    assert "0 computed, 220 found in the cache" in again().err


def test_files_that_vanish_while_they_are_looked_at(
    ganeval: Command, real: Path, own_cache: Path
) -> None:
    first = ganeval("is", real, *JSON)
    folder = own_cache / "shards"
    # A link to nothing is listed and cannot be looked at, like a file that another process renames.
    (folder / "tmp" / ".shard.tmp").symlink_to("gone")
    (folder / "00").mkdir(exist_ok=True)
    (folder / "00" / "gone.safetensors").symlink_to("gone")
    for words in (("is", real, *JSON), ("is", real, *JSON, "--cache-dir", own_cache)):
        found = ganeval(*words)
        assert report(found)["scores"] == report(first)["scores"]
        assert "0 computed, 30 found in the cache" in found.err
        assert "warning" not in found.err
    assert "2 shards" in ganeval("cache", "info").out
    assert "removed 0 shards" in ganeval("cache", "prune").out
    assert "removed 2 shards" in ganeval("cache", "clear").out


def test_the_cache_is_cleared_during_the_run(
    ganeval: Command, real: Path, fake: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute = Fid.compute

    def cleared(self: Fid, *args: object) -> object:
        for path in shards(own_cache):
            path.unlink()
        return compute(self, *args)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Fid, "compute", cleared)
        found = ganeval("fid", real, fake, *RANDOM)
    assert found.code == 4
    assert "a cache that nobody clears during the run; run the same command again" in found.error
    assert ganeval("fid", real, fake, *RANDOM).code == 0
