"""Numbered trials that are kept, one JSON line each, so that a second call goes on."""

import hashlib
import json
import sys
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ganeval.errors import UsageError

ROOT = Path(__file__).parents[2]
# What the outcome of a trial depends on.
CODE = (
    *("ganeval/scores", "ganeval/metrics", "ganeval/gate", "scripts/calibrations/laws.py"),
    *("scripts/calibrations/predictions.py", "scripts/calibrations/tool.py"),
)
PILOT = 10**6  # number of the first trial that is not kept
CHUNK = 4  # trials that a process gets at a time
Trial = dict[str, Any]
Kept = tuple[Mapping[str, Any], list[Trial]]  # what all trials share, and the trials


class Cell(Protocol):
    """One kind of trial, a frozen dataclass whose fields say all about it."""

    @property
    def name(self) -> str:
        """What its file is called."""

    def prepare(self) -> Mapping[str, Any]:
        """Return what all trials share and takes long to find, as JSON values."""

    def trial(self, number: int, prepared: Mapping[str, Any]) -> Trial:
        """Return what one trial found, as JSON values."""


def streams(cell: Cell, number: int, num: int) -> list[np.random.Generator]:
    """Return independent streams for a trial, which no other trial of any cell has."""
    root = np.random.SeedSequence([zlib.crc32(cell.name.encode()), number])
    return [np.random.default_rng(one) for one in root.spawn(num)]


@contextmanager
def processes(num: int) -> Iterator[ProcessPoolExecutor]:
    """Hold processes that import everything again, as threads of this one are not copied."""
    with ProcessPoolExecutor(num, mp_context=get_context("spawn")) as pool:
        yield pool


def run_cell(
    folder: Path, cell: Cell, wanted: Iterable[int], pool: ProcessPoolExecutor, workers: int
) -> None:
    """Run the wanted trials of a cell that are not kept yet, and say before how long it takes.

    Raises:
        UsageError: The trials that are kept were made by other code.
    """
    kept = load_cell(folder, cell)
    have = {one["trial"] for one in kept[1]} if kept else set()
    missing = [number for number in wanted if number not in have]
    if not missing:
        return
    begin = time.perf_counter()
    prepared = kept[0] if kept else cell.prepare()
    after = time.perf_counter()
    for number in (PILOT, PILOT + 1):
        start = time.perf_counter()
        cell.trial(number, prepared)
    seconds = time.perf_counter() - start  # the first one fills caches
    print(
        f"{cell.name}: {after - begin:.1f} s to prepare, {len(missing)} trials of {seconds:.3f} s "
        f"take {len(missing) * seconds / workers:.0f} s on {workers} processes",
        file=sys.stderr,
        flush=True,
    )
    path = _path_of(folder, cell)
    with path.open("a", encoding="utf-8") as file:
        if not path.stat().st_size:
            head = {"cell": cell.name, "code": _code_of(repr(cell)), "prepared": prepared}
            file.write(json.dumps(head) + "\n")
        one = partial(_numbered, cell, prepared=prepared)
        for trial in pool.map(one, missing, chunksize=CHUNK):
            file.write(json.dumps(trial) + "\n")
            file.flush()


def load_cell(folder: Path, cell: Cell) -> Kept | None:
    """Return what is kept of a cell, its trials in order; None before the first one.

    Raises:
        UsageError: They were made by other code.
    """
    path = _path_of(folder, cell)
    if not path.exists():
        return None
    head, *trials = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    if head["code"] != _code_of(repr(cell)):
        raise UsageError(
            f"{path} has trials that other code made",
            "trials of one version of the code",
            "name another --folder, or remove the file",
        )
    return head["prepared"], sorted(trials, key=lambda one: one["trial"])


def _numbered(cell: Cell, number: int, prepared: Mapping[str, Any]) -> Trial:
    return {"trial": number, **cell.trial(number, prepared)}


def _path_of(folder: Path, cell: Cell) -> Path:
    return folder / f"{cell.name}.jsonl"


@cache
def _code_of(cell: str) -> str:
    """Return a digest of the code that a trial of a cell runs, and of the cell."""
    digest = hashlib.sha256(cell.encode())
    for place in CODE:
        files = [ROOT / place] if place.endswith(".py") else sorted((ROOT / place).rglob("*.py"))
        for file in files:
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
