"""Run every experiment of the reference models over several seeds, and print their table.

    .venv/bin/python scripts/experiments.py --output docs/experiments.json

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

Job = tuple[str, str, int]  # experiment, "system" or "control", seed


@click.command()
@click.argument("models", nargs=-1)
@click.option("--seeds", default="0-4", show_default=True, help="First and last.")
@click.option("--processes", default=os.cpu_count(), show_default=True)
@click.option("--output", type=click.Path(path_type=Path), help="Every number, as JSON.")
def experiments(models: tuple[str, ...], seeds: str, processes: int, output: Path | None) -> None:
    """Print a Markdown table of the experiments of MODELS, or of all."""
    first, last = (int(end) for end in seeds.split("-"))
    names = models or tuple(EXPERIMENTS)
    jobs = [
        (name, side, seed)
        for name in names
        for seed in range(first, last + 1)
        for side in ("system", "control")
    ]
    with ProcessPoolExecutor(processes, initializer=one_thread) as pool:
        results = dict(zip(jobs, pool.map(measure, jobs), strict=True))
    click.echo("| model | criterion | control | system | control's | threshold | passes |")
    click.echo("|---|---|---|---|---|---|---|")
    for name in names:
        click.echo(row(name, results))
    if output is not None:
        numbers = {
            name: {
                side: {
                    str(seed): value
                    for (one, other, seed), (value, _) in results.items()
                    if (one, other) == (name, side)
                }
                for side in ("system", "control")
            }
            for name in names
        }
        output.write_text(json.dumps(numbers, indent=1) + "\n")


def find(name: str) -> Experiment:
    """Return an experiment by the name of its model."""
    module, _, attribute = EXPERIMENTS[name].partition(":")
    experiment: Experiment = getattr(importlib.import_module(module), attribute)
    return experiment


def one_thread() -> None:
    """The processes are what runs in parallel; one thread makes the same bits on any machine."""
    import torch

    torch.set_num_threads(1)


def measure(job: Job) -> tuple[float, float]:
    """Return an experiment's number for a seed, and the processor seconds that it took."""
    name, side, seed = job
    begin = time.process_time()
    value = getattr(find(name), side)(seed)
    seconds = time.process_time() - begin
    print(f"{name} {side} {seed}: {value:.4g} ({seconds:.1f} s)", file=sys.stderr, flush=True)
    return value, seconds


def row(name: str, results: dict[Job, tuple[float, float]]) -> str:
    """Return a row of the table."""
    experiment = find(name)
    values = {
        side: [
            value for (one, other, _), (value, _) in results.items() if (one, other) == (name, side)
        ]
        for side in ("system", "control")
    }
    passing = {side: sum(map(experiment.passes, numbers)) for side, numbers in values.items()}
    num = len(values["system"])
    bound = "at least" if experiment.better == "higher" else "at most"
    return (
        f"| {name} | {experiment.criterion} | {experiment.control_is} "
        f"| {summary(values['system'])} | {summary(values['control'])} "
        f"| {bound} {experiment.threshold:g} "
        f"| {passing['system']} of {num}, control {passing['control']} |"
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
