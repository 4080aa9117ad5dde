"""Run every experiment of the reference models, and write `docs/measured/experiments.md`.

    .venv/bin/python scripts/experiments.py

Each system has a number that must meet a threshold, and a control that must not. The thresholds are
frozen in `reference_models/experiments`; docs/experiments.md says how they were set. What is in the
file of numbers already is not computed again. With names of experiments or other seeds their table
is printed, and nothing is kept.
"""

import json
import os
import statistics
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from reference_models.experiments import EXPERIMENTS, find_experiment  # noqa: E402
from suite import when_and_where  # noqa: E402

PAGE = ROOT / "docs" / "measured" / "experiments.md"
NUMBERS = PAGE.with_suffix(".json")
Numbers = dict[str, dict[str, Any]]
"""By "NAME SIDE SEED", as "dcgan control 3": the `value`, its `seconds` of processor time, and
`where` it was computed and when."""

TEXT = """# The experiments of the reference models

`./scripts/experiments`, seeds 0 to 4. It took {minutes:.0f} minutes of processor time, one thread
for each run.

{where}

Each system has a run of seconds, a number that must reach a threshold, and a control that must not
reach it. {met} The figures are the median of the seeds, with the smallest and the largest; "real"
is what as many real samples have. "Seconds" are those of one run of the system.
[experiments.md](../experiments.md) says how the thresholds were set and what the rows do not say;
all numbers are in [experiments.json](experiments.json).

{table}
"""


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(tuple(EXPERIMENTS)), metavar="[NAME]...")
@click.option("--seeds", default="0-4", show_default=True, help="First and last.")
@click.option("--processes", default=os.cpu_count(), show_default=True)
@click.option(
    "--numbers",
    type=click.Path(path_type=Path),
    help="Keep the numbers in this JSON file, and write no page.",
)
def experiments(names: tuple[str, ...], seeds: str, processes: int, numbers: Path | None) -> None:
    """Write the page of all experiments, or print the table of those with NAMES."""
    first, last = (int(end) for end in seeds.split("-"))
    whole = not names and numbers is None and seeds == "0-4"
    kept = NUMBERS if whole else numbers
    names = names or tuple(EXPERIMENTS)
    jobs = [
        (name, side, seed)
        for name in names
        for seed in range(first, last + 1)
        for side in ("system", "control", "floor")
        if side != "floor" or find_experiment(name).floor is not None
    ]
    known: Numbers = {}
    if kept is not None and kept.exists():
        known = json.loads(kept.read_text(encoding="utf-8"))
    with ProcessPoolExecutor(processes, initializer=one_thread) as pool:
        missing = [job for job in jobs if key(*job) not in known]
        for done in as_completed(pool.submit(measure, *job) for job in missing):
            known |= done.result()
            if kept is not None:
                in_order = {key(*job): known[key(*job)] for job in jobs if key(*job) in known}
                kept.write_text(json.dumps(in_order | known, indent=1) + "\n", encoding="utf-8")
    table = "\n".join([HEADER, *(row(name, known, range(first, last + 1)) for name in names)])
    if not whole:
        click.echo(table)
        return
    wrong = [
        job
        for job in jobs
        if job[1] != "floor"
        and find_experiment(job[0]).passes(known[key(*job)]["value"]) != (job[1] == "system")
    ]
    used = [known[key(*job)] for job in jobs]
    PAGE.write_text(
        TEXT.format(
            where="\n".join(
                f"* {where} {num:,} numbers."
                for where, num in Counter(one["where"] for one in used).items()
            ),
            minutes=sum(one["seconds"] for one in used) / 60,
            met="Every run of every system reaches it, and no run of a control does."
            if not wrong
            else "Runs of systems reach it and those of controls do not, but for these: "
            f"{', '.join(key(*job) for job in wrong)}.",
            table=table,
        ),
        encoding="utf-8",
    )


def key(name: str, side: str, seed: int) -> str:
    """Return the name of a number in the file."""
    return f"{name} {side} {seed}"


def one_thread() -> None:
    """The processes are what runs in parallel; one thread makes the same bits on any machine."""
    import torch

    torch.set_num_threads(1)


def measure(name: str, side: str, seed: int) -> Numbers:
    """Return an experiment's number of a side ("system", "control" or "floor") for a seed."""
    begin = time.process_time()
    value: float = getattr(find_experiment(name), side)(seed)
    seconds = time.process_time() - begin
    print(f"{key(name, side, seed)}: {value:.4g} ({seconds:.1f} s)", file=sys.stderr, flush=True)
    where = when_and_where()
    return {key(name, side, seed): {"value": value, "seconds": round(seconds, 1), "where": where}}


HEADER = (
    "| experiment | what is measured | threshold | system | control | control is | real | met by "
    "| seconds |\n|---|---|---|---|---|---|---|---|---|"
)


def row(name: str, known: Numbers, seeds: range) -> str:
    """Return a row of the table."""
    experiment = find_experiment(name)
    of = {
        side: [
            known[key(name, side, seed)]["value"]
            for seed in seeds
            if key(name, side, seed) in known
        ]
        for side in ("system", "control", "floor")
    }
    met = {side: sum(map(experiment.passes, of[side])) for side in of}
    seconds = statistics.median(known[key(name, "system", seed)]["seconds"] for seed in seeds)
    criterion = experiment.criterion.replace("|", r"\|")
    bound = "at least" if experiment.better == "higher" else "at most"
    return (
        f"| {name} | {criterion} | {bound} {experiment.threshold:g} "
        f"| {summary(of['system'])} | {summary(of['control'])} | {experiment.control_is} "
        f"| {summary(of['floor'])} | {met['system']} of {len(seeds)}, control {met['control']} "
        f"| {seconds:.0f} |"
    )


def summary(values: list[float]) -> str:
    """Return median and range as text; nothing of no values."""
    if not values:
        return ""
    return f"{statistics.median(values):.3g} [{min(values):.3g}, {max(values):.3g}]"


if __name__ == "__main__":
    experiments()
