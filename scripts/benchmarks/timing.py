"""How benchmarks are timed: alternately, the best of each, as figures with their ratio."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table.

    Attributes:
        work: What was done.
        ours: Our figure with its unit.
        other: What it is compared with, and that one's figure.
        ratio: How the two relate.
        wanted: The ratio that is asked for.
    """

    work: str
    ours: str
    other: str
    ratio: str
    wanted: str = ""


def times_faster(work: str, ours: float, peers: Mapping[str, float], *, wanted: str = "") -> Figure:
    """Return the figure of seconds against those of peers; the ratio is of the fastest peer."""
    fastest = min(peers.values())
    return Figure(
        work=work,
        ours=f"{ours:.2f} s",
        other=", ".join(f"{name} {seconds:.2f} s" for name, seconds in peers.items()),
        ratio=f"{fastest / ours:.2f} x",
        wanted=wanted,
    )


def alternate(functions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the best seconds of each function, called in turns.

    Other load on the machine only ever adds time, and turns spread it evenly.
    """
    return {name: min(seconds) for name, seconds in in_turns(functions, rounds).items()}


def in_turns(functions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each call of each function."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            seconds[name].append(seconds_of(function))
    return seconds


def seconds_of(function: Callable[[], object]) -> float:
    """Return how many seconds a call takes."""
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def run_module(*words: object, environment: Mapping[str, str] | None = None) -> str:
    """Run a Python module as a process of its own and return what it prints to stdout."""
    done = subprocess.run(
        [sys.executable, "-m", *map(str, words)],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, **(environment or {})},
    )
    return done.stdout
