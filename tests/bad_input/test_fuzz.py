"""The harness of `scripts/fuzz`: some inputs for every door, and faults that it has to notice."""

import mmap
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import torch

from scripts.fuzzing import play as playing
from scripts.fuzzing.campaign import DOORS, is_twice, seed_of
from scripts.fuzzing.case import Case
from scripts.fuzzing.play import play

INPUTS = 6
SOME = {"training": 1, "pictures": 3, "names": 4, "links": 4}
"""Fewer of what takes long."""

ERROR = "ganeval: error: a; needed: b; c\n"


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("door", DOORS)
def test_no_input_of_a_door_shows_a_fault(door: str, tmp_path: Path) -> None:
    for number in range(SOME.get(door, INPUTS)):
        answer = play(
            DOORS[door], seed_of(3, door, number), tmp_path / "input", twice=is_twice(number)
        )
        again = f"./scripts/fuzz --seed 3 --door {door} --number {number}"
        faults = [fault for fault in answer.faults if playing.KNOWN not in fault]
        assert faults == [], f"{again}\n{answer.out}\n{answer.err}"


@pytest.mark.parametrize("door", DOORS)
def test_the_same_seed_gives_the_same_input(door: str, tmp_path: Path) -> None:
    def made(folder: Path) -> tuple[Case, dict[str, bytes]]:
        case = playing.build(DOORS[door], "0", folder)
        files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
        return case, {str(path.relative_to(folder)): path.read_bytes() for path in files}

    assert made(tmp_path / "a") == made(tmp_path / "a")


def judged(command: Callable[[], object], folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the faults of a command that does something of its own instead."""

    def main(_: list[str]) -> None:
        command()

    def door(_: Random, folder: Path) -> Case:
        (folder / "kept").write_text("a")
        return Case(words=[], writes=("out",))

    monkeypatch.setattr(playing, "main", main)
    return "\n".join(play(door, "0", folder / "input", twice=True).faults)


def says(out: str, err: str, code: int) -> Callable[[], None]:
    def command() -> None:
        sys.stdout.write(out)
        sys.stderr.write(err)
        raise SystemExit(code)

    return command


def writes(name: str, code: int) -> Callable[[], None]:
    def command() -> None:
        Path(name).write_text("b")
        says("", ERROR if code else "", code)()

    return command


def warns() -> None:
    warnings.warn("old", RuntimeWarning, stacklevel=1)
    raise SystemExit(0)


def wanders(calls: list[int] = []) -> None:  # noqa: B006
    calls.append(0)
    says(f"fid {len(calls)}\n", "", 0)()


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        (lambda: {}["a"], "traceback: KeyError"),
        (says("", "", 5), "exit code 5"),
        (says("a", ERROR, 2), "stdout is not empty on an error"),
        (says("", ERROR + ERROR, 2), "2 error lines"),
        (says("", "", 2), "0 error lines"),
        (says("", "ganeval: error: a\nb; c; d\n", 2), "a line that is not ganeval's: 'b; c; d'"),
        (says("", "ganeval: error: a\x1b; c; d\n", 2), "control character"),
        (says("", "ganeval: error: a\n", 4), "does not say what to do"),
        (says("", "ganeval: error: out of memory; a; b\n", 4), "memory"),
        (says("", "ganeval: warning: a (UserWarning in ganeval/a.py)\n", 0), "our own code"),
        (says("", "ganeval: warning: a (RuntimeWarning in a.py)\n", 0), "our own code"),
        (says("", "ZIPDecode: Decoding error at scanline 0.\n" + ERROR, 2), "known: libtiff"),
        (says("", "TypeError: a.\n" + ERROR, 2), "a line that is not ganeval's"),
        (says("", ERROR, 0), "an error line with exit code 0"),
        (says("a\x07\n", "", 0), "stdout has a control character"),
        (says("", "Traceback (most recent call last):\n", 0), "traceback on stderr"),
        (warns, "warning: RuntimeWarning at test_fuzz.py"),
        (writes("kept", 0), "changed: 'kept'"),
        (writes("new", 0), "written though nobody asked: 'new'"),
        (writes("out", 2), "written in spite of an error: 'out'"),
        (writes(".out.0.tmp", 0), "left over: '.out.0.tmp'"),
        (lambda: Path("kept").unlink() or says("", "", 0)(), "removed: 'kept'"),
        (lambda: None, "returned instead of leaving"),
        (wanders, "two runs differ: 0 and 0"),
    ],
)
def test_faults_are_noticed(
    command: Callable[[], object], fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fault in judged(command, tmp_path, monkeypatch)


@pytest.mark.parametrize("wait", [lambda: None, signal.pause])
def test_a_hang_is_noticed(
    wait: Callable[[], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def for_ever() -> None:
        while True:
            wait()

    monkeypatch.setattr(playing, "HANG_SECONDS", 0.2)
    monkeypatch.setattr(playing, "CLOCK", 2)
    assert "hang: more than 0.2 s" in judged(for_ever, tmp_path, monkeypatch)


def test_memory_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def takes() -> None:
        # Pages of its own: an allocation may get memory that the process has had before. And where
        # the system does not let the peak be reset, only what goes beyond it can be seen.
        status = Path("/proc/self/status").read_text()
        peak, now = (
            1024 * int(status.partition(f"{of}:")[2].split()[0]) for of in ("VmHWM", "VmRSS")
        )
        num_bytes = peak - now + 2**26
        with mmap.mmap(-1, num_bytes) as pages:
            for start in range(0, num_bytes, mmap.PAGESIZE):
                pages[start] = 1
        says("", "", 0)()

    monkeypatch.setattr(playing, "MOST_MEMORY", 2**25)
    assert "memory: " in judged(takes, tmp_path, monkeypatch)


def test_a_command_without_a_fault_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert judged(says("a\n", "ganeval: b\n", 0), tmp_path, monkeypatch) == ""
    told = "ganeval: warning: a (UserWarning in PIL/a.py)\n"
    assert judged(says("a\n", told, 0), tmp_path, monkeypatch) == ""
    assert judged(says("", ERROR, 2), tmp_path, monkeypatch) == ""
    assert judged(writes("out", 0), tmp_path, monkeypatch) == ""
