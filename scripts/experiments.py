"""Run every experiment of the reference models over several seeds, and print their table.

    .venv/bin/python scripts/experiments.py --numbers docs/experiments.json

Each system has a number that must meet a threshold, and a control that must not. The thresholds are
frozen in `reference_models/experiments`; a first run of this script set them, between the system's
mean and three standard deviations on the bad side and the control's on the good one.
"""

import importlib
import json
import os
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import click

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from reference_models.experiments import EXPERIMENTS  # noqa: E402
from reference_models.experiments.base import Experiment  # noqa: E402

Job = tuple[str, str, int]  # experiment, "system", "control" or "floor", seed


@click.command()
@click.argument("models", nargs=-1)
@click.option("--seeds", default="0-4", show_default=True, help="First and last.")
@click.option("--processes", default=os.cpu_count(), show_default=True)
@click.option(
    "--numbers",
    type=click.Path(path_type=Path),
    help="Keep every number in this JSON file; those in it already are not computed again.",
)
def experiments(models: tuple[str, ...], seeds: str, processes: int, numbers: Path | None) -> None:
    """Print a Markdown table of the experiments of MODELS, or of all."""
    first, last = (int(end) for end in seeds.split("-"))
    names = models or tuple(EXPERIMENTS)
    jobs = [
        (name, side, seed)
        for name in names
        for seed in range(first, last + 1)
        for side in sides(name)
    ]
    known: dict[str, float] = {}
    if numbers is not None and numbers.exists():
        known = json.loads(numbers.read_text(encoding="utf-8"))
    with ProcessPoolExecutor(processes, initializer=one_thread) as pool:
        missing = [job for job in jobs if key(job) not in known]
        for job, value in zip(missing, pool.map(measure, missing), strict=True):
            known[key(job)] = value
            if numbers is not None:
                numbers.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    click.echo(
        "| experiment | criterion | control | system | control's | real | threshold | passes |"
    )
    click.echo("|---|---|---|---|---|---|---|---|")
    for name in names:
        click.echo(row(name, {job: known[key(job)] for job in jobs if job[0] == name}))


def key(job: Job) -> str:
    """Return the name of a number in the file."""
    return " ".join(map(str, job))


def find(name: str) -> Experiment:
    """Return an experiment by the name of its model."""
    module, _, attribute = EXPERIMENTS[name].partition(":")
    experiment: Experiment = getattr(importlib.import_module(module), attribute)
    return experiment


def sides(name: str) -> list[str]:
    """Return what there are numbers of."""
    return ["system", "control"] + ["floor"] * (find(name).floor is not None)


def one_thread() -> None:
    """The processes are what runs in parallel; one thread makes the same bits on any machine."""
    import torch

    torch.set_num_threads(1)


def measure(job: Job) -> float:
    """Return an experiment's number for a seed."""
    name, side, seed = job
    begin = time.process_time()
    value: float = getattr(find(name), side)(seed)
    seconds = time.process_time() - begin
    print(f"{key(job)}: {value:.4g} ({seconds:.1f} s)", file=sys.stderr, flush=True)
    return value


def row(name: str, results: dict[Job, float]) -> str:
    """Return a row of the table."""
    experiment = find(name)
    system, control = (
        [value for (_, one, _), value in results.items() if one == side]
        for side in ("system", "control")
    )
    real = [value for (_, one, _), value in results.items() if one == "floor"]
    passing, failing = (sum(map(experiment.passes, values)) for values in (system, control))
    bound = "at least" if experiment.better == "higher" else "at most"
    of_real = summary(real) if real else ""
    return (
        f"| {name} | {experiment.criterion} | {experiment.control_is} "
        f"| {summary(system)} | {summary(control)} | {of_real} | {bound} {experiment.threshold:g} "
        f"| {passing} of {len(system)}, control {failing} |"
    )


def summary(values: list[float]) -> str:
    """Return median, range, mean and deviation as text."""
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return (
        f"{statistics.median(values):.3g} [{min(values):.3g}, {max(values):.3g}]; "
        f"{statistics.mean(values):.3g} +- {spread:.2g}"
    )


if __name__ == "__main__":
    experiments()
