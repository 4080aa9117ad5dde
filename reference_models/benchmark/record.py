"""The record of a trial: its specification, so that a changed suite is noticed, and its cost."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import ganeval
from reference_models.engine.rows import Rows
from reference_models.engine.run import Observer, Run
from reference_models.engine.solvers import Log
from reference_models.engine.whole import written_whole

_RECORD, _SECONDS = "benchmark.json", "seconds.jsonl"
_SCHEMA = "ganeval.benchmark-run/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The record of a trial.

    Attributes:
        specification: Everything that the result depends on, JSON values by name.
        finished: Whether the trial's command ended without error.
        seconds: Seconds that the command took.
    """

    specification: Mapping[str, Any]
    finished: bool = False
    seconds: float | None = None


def read_record(folder: Path) -> Record | None:
    """Return the record in a trial's folder; None if it has not begun.

    Raises:
        GanevalError: Another file has its name.
    """
    path = folder / _RECORD
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_bytes())
        if content.pop("schema") != _SCHEMA:
            raise ValueError("another schema")
        return Record(**content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ganeval.GanevalError(
            f"{path}: not the record of a trial ({error})",
            "the record of this suite, or no such file",
            "move it away, or choose another folder with --out",
        ) from error


def write_record(folder: Path, record: Record) -> None:
    """Write a record, completely or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    # JSON turns tuples into lists; `Record` is compared after reading.
    with written_whole(folder / _RECORD) as file:
        file.write(f"{json.dumps({'schema': _SCHEMA, **asdict(record)}, indent=1)}\n".encode())


@contextmanager
def seconds_kept(folder: Path) -> Iterator[Observer]:
    """Yield an observer that records how long the steps of a training took, also after a resume.

    The time for scores and pictures is not counted. A killed run loses at most a second.
    """
    with ExitStack() as resources:
        opened: list[Rows] = []
        before = 0.0

        def observe(run: Run, log: Log) -> None:
            nonlocal before
            if not opened:
                rows = Rows(folder / _SECONDS, step=run.step)
                opened.append(resources.enter_context(rows))
                before = rows.values.get("seconds", 0.0)
            if log:
                opened[0].append(run.step, {"seconds": before + run.seconds})

        yield observe


def seconds_of(folder: Path, step: int) -> float | None:
    """Return how long the steps of a training took up to a step; None if unknown."""
    path = folder / _SECONDS
    if not path.exists():
        return None
    found = None
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["step"] > step:
            break
        found = row["seconds"]
    return found
