"""Run one input through the command line in this process, and judge the answer."""

import contextlib
import hashlib
import io
import logging
import os
import re
import resource
import shutil
import signal
import socket
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

from ganeval.cli.main import main
from scripts.fuzzing.case import CACHE, Case, Door

HANG_SECONDS = 20  # of the processor; of the clock several times that, for machines that are busy
CLOCK = 6
MOST_MEMORY = 2**30  # bytes that an input may add to what the process had
ADDRESS_SPACE = 12 * 2**30  # what the process may map at all, so that no input takes the machine
CODES = (0, 1, 2, 3, 4)
ERROR = "ganeval: error: "
_REFUSED = (2, 4)
_TEMPORARY = re.compile(r"\..+\.tmp")
# Warnings of our own code, or of numbers wherever they are, are faults though they are told tidily.
_OWN_WARNING = re.compile(r"\((\w+ in (ganeval|reference_models)/.*|RuntimeWarning in .*)\)")
# libtiff writes to stderr by itself; the data that it complains of are refused all the same.
_LIBTIFF = re.compile(r"(tempfile\.tif|\w*(TIFF|Fax|LZW|ZIP|ZSTD|LZMA|JPEG|Decode)\w*): .*\.")
KNOWN = "known: libtiff writes to stderr"
"""How the fault begins that docs/fuzzing.md lists as one that stays."""
# Python shows none of these unless it is asked to.
_HIDDEN = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)


class Hang(BaseException):
    """The time of an input is over; no code of ganeval catches this."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command did.

    Attributes:
        code: The exit code, None if it left with something else.
        out: What it wrote to stdout.
        err: What it wrote to stderr, the traceback of an exception among it.
        seconds: How long it took.
        faults: What is wrong, a line each.
    """

    code: int | None
    out: str
    err: str
    seconds: float
    faults: list[str] = field(default_factory=list)


def build(door: Door, seed: str, folder: Path) -> Case:
    """Fill an empty folder with the input that a seed stands for."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return door(Random(seed), folder)


def play(door: Door, seed: str, folder: Path, *, twice: bool) -> Answer:
    """Run an input, and a second time to compare what is printed if it is `twice`.

    The first run of a cache that is there already is compared with one that has none.
    """
    case = build(door, seed, folder)
    answer = _run(case, folder)
    if twice and case.repeats and all(KNOWN in fault for fault in answer.faults):
        if case.writes or (folder / CACHE).exists():
            case = build(door, seed, folder)
            shutil.rmtree(folder / CACHE, ignore_errors=True)
        again = _run(case, folder)
        answer.faults.extend(f"second run: {fault}" for fault in again.faults)
        if (again.code, again.out) != (answer.code, answer.out):
            answer.faults.append(
                f"two runs differ: {answer.code} and {again.code}, and on stdout\n"
                f"{answer.out}\n{again.out}"
            )
    return answer


def _run(case: Case, folder: Path) -> Answer:
    """Run the command of an input in its folder and judge what it did."""
    before = _snapshot(folder)
    own = {"GANEVAL_CACHE": CACHE, "TORCH_HOME": f"{CACHE}/torch", "TMPDIR": str(folder.parent)}
    with (
        contextlib.chdir(folder),
        mock.patch.dict(os.environ, {**own, **case.environment}),
        own_process_state(),
        no_network(),
        _captured(case.encoding) as streams,
    ):
        begin = time.perf_counter()
        peak = _reset_peak()
        code, faults = _call(case.words)
        seconds = time.perf_counter() - begin
        grown = _peak() - peak
    out, err = (stream.decode(case.encoding, "backslashreplace") for stream in streams)
    if grown > MOST_MEMORY:
        faults.append(f"memory: {grown / 2**20:,.0f} MiB more")
    faults += _faults_of_text(case.words, code, out, err)
    faults += _faults_of_files(case, code, before, _snapshot(folder))
    return Answer(code, out, err, seconds, faults)


def _call(words: list[str]) -> tuple[int | None, list[str]]:
    """Call `ganeval` in this process; return its exit code, and what it raised instead."""

    def too_long(*_: object) -> None:
        raise Hang

    timers = {
        signal.SIGPROF: (signal.ITIMER_PROF, HANG_SECONDS),
        signal.SIGALRM: (signal.ITIMER_REAL, CLOCK * HANG_SECONDS),
    }
    before = {number: signal.signal(number, too_long) for number in timers}
    for timer, seconds in timers.values():
        signal.setitimer(timer, seconds)
    caught: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for hidden in _HIDDEN:
                warnings.simplefilter("ignore", hidden)
            main(words)
    except SystemExit as end:
        if end.code not in CODES:
            return None, [f"exit code {end.code!r}"]
        return int(end.code or 0), list(dict.fromkeys(map(_warning, caught)))
    except Hang:
        traceback.print_exc()
        return None, [f"hang: more than {HANG_SECONDS} s of the processor, or {CLOCK} times that"]
    except BaseException as error:
        traceback.print_exc()
        frames = [f for f in traceback.extract_tb(error.__traceback__) if "ganeval" in f.filename]
        where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
        return None, [f"traceback: {type(error).__name__} at {where}: {str(error)[:200]!r}"]
    else:
        return None, ["it returned instead of leaving with an exit code"]
    finally:
        for number, (timer, _) in timers.items():
            signal.setitimer(timer, 0)
            signal.signal(number, before[number])


def _warning(caught: warnings.WarningMessage) -> str:
    """Return the fault of a warning of Python that would be on stderr as Python writes it."""
    where = f"{Path(caught.filename).name}:{caught.lineno}"
    return f"warning: {caught.category.__name__} at {where}: {str(caught.message)[:200]!r}"


def _faults_of_text(words: list[str], code: int | None, out: str, err: str) -> Iterator[str]:
    """Find what is wrong with the texts: each line is `ganeval: ...`, an error is one and alone."""
    if code is None:
        return
    lines = err.splitlines()
    known = [line for line in lines if _LIBTIFF.fullmatch(line)]
    if known:
        yield f"{KNOWN}: {known[0][:200]!r}"
        lines = [line for line in lines if line not in known]
    foreign = [line for line in lines if not line.startswith("ganeval: ")]
    own = [line for line in lines if _OWN_WARNING.search(line)]
    if own:
        yield f"warning of our own code: {own[0][:200]!r}"
    if "Traceback (most recent call last)" in err:
        yield "traceback on stderr"
    elif foreign:
        yield f"stderr has a line that is not ganeval's: {foreign[0][:200]!r}"
    if any(not (char.isprintable() or char == "\n") for char in err):
        yield "stderr has a control character"
    # Tables put the mark U+200E behind a name that is written from right to left.
    if any(not (char.isprintable() or char in "\n\t\u200e") for char in out):
        yield "stdout has a control character"
    errors = [line for line in lines if line.startswith(ERROR)]
    # What doctor finds is its result, errors among it too.
    if code in _REFUSED and not (words[:1] == ["doctor"] and out and not errors):
        yield from _faults_of_refusal(out, lines, errors)
    elif errors:
        yield f"an error line with exit code {code}"


def _faults_of_refusal(out: str, lines: list[str], errors: list[str]) -> Iterator[str]:
    """Find what is wrong with the texts of a command that ended with an error."""
    if out:
        yield f"stdout is not empty on an error: {out[:200]!r}"
    if len(errors) != 1 or lines[-1] != errors[0]:
        yield f"{len(errors)} error lines, or the last line is another"
    elif "; " not in errors[0]:
        yield f"an error that does not say what to do: {errors[0][:200]!r}"
    elif "out of memory" in errors[0]:
        yield "memory: an input this small needs more than there is"


def _faults_of_files(
    case: Case, code: int | None, before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[str]:
    """Find files that are left over, lost or changed."""

    def may_change(name: str) -> bool:
        return "." in case.writes or name.split("/")[0] in (CACHE, *case.writes)

    for name in sorted(after.keys() - before.keys()):
        if _TEMPORARY.fullmatch(name.rpartition("/")[2]):
            yield f"left over: {name!r}"
        elif not may_change(name):
            yield f"written though nobody asked: {name!r}"
        elif code in _REFUSED and not name.startswith(CACHE):
            yield f"written in spite of an error: {name!r}"
    for name, digest in before.items():
        if not may_change(name) and after.get(name) != digest:
            yield f"{'changed' if name in after else 'removed'}: {name!r}"


def _snapshot(folder: Path) -> dict[str, str]:
    """Return the digest of every regular file below a folder, by name; links are not followed."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            if path.is_file() and not path.is_symlink():
                key = path.relative_to(folder).as_posix()
                found[key] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


@contextlib.contextmanager
def _captured(encoding: str) -> Iterator[list[bytes]]:
    """Give what is written to stdout and stderr meanwhile, by libraries in C too, at the end."""
    found: list[bytes] = []
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(_taken(number)) for number in (1, 2)]
        # As the interpreter opens them: stdout refuses what it cannot encode, stderr escapes it.
        texts = [
            io.TextIOWrapper(io.FileIO(number, "w", closefd=False), encoding, errors, newline="\n")
            for number, errors in ((1, "strict"), (2, "backslashreplace"))
        ]
        with contextlib.redirect_stdout(texts[0]), contextlib.redirect_stderr(texts[1]):
            yield found
            for text in texts:
                text.flush()
        for file in files:
            file.seek(0)
            found.append(file.read())


@contextlib.contextmanager
def _taken(number: int) -> Iterator[Any]:
    """Let a descriptor lead to a temporary file meanwhile."""
    with tempfile.TemporaryFile(buffering=0) as file:
        kept = os.dup(number)
        os.dup2(file.fileno(), number)
        try:
            yield file
        finally:
            os.dup2(kept, number)
            os.close(kept)


@contextlib.contextmanager
def own_process_state() -> Iterator[None]:
    """Put back what the command line sets up for a process of its own."""
    log = logging.getLogger("ganeval")
    before = signal.getsignal(signal.SIGTERM), log.handlers, log.propagate, log.level
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before[0])
        log.handlers, log.propagate = before[1], before[2]
        log.setLevel(before[3])


@contextlib.contextmanager
def no_network() -> Iterator[None]:
    """Let nothing be reached: not even a name is looked up."""

    def refuse(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "no network here")

    with (
        mock.patch.object(socket.socket, "connect", refuse),
        mock.patch.object(socket, "getaddrinfo", refuse),
    ):
        yield


def limit_address_space() -> None:
    """Let an allocation beyond `ADDRESS_SPACE` fail instead of the machine."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, hard))


def _reset_peak() -> int:
    """Start to measure the peak of memory again; return what the process has, in bytes."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> int:
    """Return the peak of resident memory since `_reset_peak`, in bytes."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:  # no Linux: the peak of the process, which only grows
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])
