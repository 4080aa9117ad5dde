"""A campaign: inputs for every door in turn, in a process that may die of one of them."""

import multiprocessing
import os
import shlex
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from scripts.fuzzing.case import Case, Door
from scripts.fuzzing.doors import archives, arrays, kept, networks, pictures, results, words
from scripts.fuzzing.play import (
    CLOCK,
    HANG_SECONDS,
    KNOWN,
    Answer,
    build,
    limit_address_space,
    play,
)

DOORS: Mapping[str, Door] = {
    "names": pictures.names,
    "links": pictures.links,
    "pictures": pictures.damaged_pictures,
    "zip": archives.zips,
    "tar": archives.tars,
    "arrays": arrays.arrays,
    "stats": arrays.stats,
    "safetensors": networks.tensors,
    "card": networks.cards,
    "checkpoints": networks.checkpoints,
    "onnx": networks.onnx,
    "reports": results.reports,
    "baselines": results.baselines,
    "influence": results.influence,
    "cache": kept.cache,
    "training": kept.training,
    "sources": words.sources,
    "metrics": words.metrics,
    "options": words.options,
    "kwargs": words.keywords,
    "environment": words.environment,
}
TWICE_EVERY = 3
"""Which of the inputs are run a second time."""
_START_SECONDS = 120  # for imports and for the files that the doors change


@dataclass(slots=True)
class Tally:
    """What the inputs of a door came to."""

    codes: Counter[int | None] = field(default_factory=Counter)
    failing: int = 0
    known: int = 0
    tracebacks: int = 0
    hangs: int = 0
    seconds: float = 0.0
    slowest: float = 0.0

    def add(self, answer: Answer) -> None:
        """Count an input."""
        self.codes[answer.code] += 1
        new = [fault for fault in answer.faults if KNOWN not in fault]
        self.failing += bool(new)
        self.known += bool(answer.faults) and not new
        self.tracebacks += any("traceback" in fault for fault in answer.faults)
        self.hangs += any("hang" in fault for fault in answer.faults)
        self.slowest = max(self.slowest, answer.seconds)


def seed_of(seed: int, door: str, number: int) -> str:
    """Return what the numbers of an input are drawn from."""
    return f"{seed}/{door}/{number}"


def is_twice(number: int) -> bool:
    """Tell whether an input is run a second time."""
    return number % TWICE_EVERY == 0


def campaign(
    doors: list[str],
    seed: int,
    seconds: float,
    scratch: Path,
    report: Callable[[str, int, Answer], None],
) -> dict[str, Tally]:
    """Give every door the same share of the time; report each input with a fault as it is found."""
    tallies = {door: Tally() for door in doors}
    numbers = dict.fromkeys(doors, 0)
    worker = _Worker(seed, scratch)
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            door = min(doors, key=lambda name: tallies[name].seconds)
            begin = time.monotonic()
            answer = worker.play(door, numbers[door])
            tallies[door].seconds += time.monotonic() - begin
            tallies[door].add(answer)
            if any(KNOWN not in fault for fault in answer.faults):
                report(door, numbers[door], answer)
            numbers[door] += 1
    finally:
        worker.stop()
    return tallies


def keep(door: str, number: int, seed: int, answer: Answer, folder: Path) -> Path:
    """Write an input, what was wrong, and the command that shows it again."""
    place = folder / f"{door}-{number}"
    case = build(DOORS[door], seed_of(seed, door, number), place / "input")
    again = f"./scripts/fuzz --seed {seed} --door {door} --number {number}"
    text = (
        f"{again}\n\n"
        + "\n".join(answer.faults)
        + f"\n\ncd input && {_command(case)}\n\nexit code {answer.code}\n\nstdout:\n{answer.out}"
        + f"\nstderr:\n{answer.err}"
    )
    (place / "finding.txt").write_text(text, encoding="utf-8", errors="backslashreplace")
    return place


def _command(case: Case) -> str:
    """Return the command of an input as one could type it."""
    variables = [f"{name}={shlex.quote(value)}" for name, value in case.environment.items()]
    return " ".join([*variables, "ganeval", *map(shlex.quote, case.words)])


class _Worker:
    """A process that plays inputs; another takes its place if it dies or does not answer."""

    def __init__(self, seed: int, scratch: Path) -> None:
        self._seed, self._scratch = seed, scratch
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, self._seed, self._scratch), daemon=True
        )
        self._process.start()
        theirs.close()
        self._patience = _START_SECONDS

    def play(self, door: str, number: int) -> Answer:
        """Return the answer to an input."""
        self._connection.send((door, number))
        begin = time.monotonic()
        # Code in C does not hear the alarm.
        if self._connection.poll(self._patience + 2 * CLOCK * HANG_SECONDS):
            try:
                answer: Answer = self._connection.recv()
            except EOFError:
                self._process.join()
                code = self._process.exitcode or 0
                name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
                fault = f"traceback: the process died of {name}"
            else:
                self._patience = 0
                return answer
        else:
            fault = "hang: no answer at all"
        self.stop()
        self._start()
        return Answer(None, "", "", time.monotonic() - begin, [fault])

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._connection.close()


def _serve(connection: Connection, seed: int, scratch: Path) -> None:
    """Play what is asked for, until the other side is gone."""
    import torch

    torch.set_num_threads(1)
    limit_address_space()
    folder = scratch / f"{os.getpid()}"
    while True:
        try:
            door, number = connection.recv()
        except EOFError:
            return
        answer = play(
            DOORS[door], seed_of(seed, door, number), folder / "input", twice=is_twice(number)
        )
        shutil.rmtree(folder, ignore_errors=True)
        connection.send(answer)


def rows(tallies: Mapping[str, Tally]) -> Iterator[list[Any]]:
    """Return the cells of a table: a row for each door, and their sum."""
    total = Tally()
    for tally in tallies.values():
        total.codes += tally.codes
        total.failing += tally.failing
        total.known += tally.known
        total.tracebacks += tally.tracebacks
        total.hangs += tally.hangs
        total.slowest = max(total.slowest, tally.slowest)
    for name, tally in [*tallies.items(), ("all", total)]:
        refused = ", ".join(
            f"{code}: {tally.codes[code]:,}" for code in (1, 2, 3, 4) if tally.codes[code]
        )
        yield [
            name,
            f"{tally.codes.total():,}",
            f"{tally.codes[0]:,}",
            refused or "-",
            tally.tracebacks,
            tally.hangs,
            tally.failing,
            tally.known,
            f"{tally.slowest:.1f} s",
        ]
