"""How honest intervals and gate are: on laws of features, on real pictures, case by case.

    .venv/bin/python scripts/calibration.py laws --folder DIR --trials 400 --workers 2
    .venv/bin/python scripts/calibration.py pictures --folder DIR --trials 400 --workers 2
    .venv/bin/python scripts/calibration.py defects --only d1

DIR keeps every trial, so that a second call goes on. Needs the extra `test`.
"""

import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # processes share the cores, not threads

import click

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from calibrations.baselines import baseline_table  # noqa: E402
from calibrations.cells import all_cells, num_trials  # noqa: E402
from calibrations.coverage import coverage_table  # noqa: E402
from calibrations.defects import CASES, THEN  # noqa: E402
from calibrations.gates import gate_table, naive_table  # noqa: E402
from calibrations.pairs import pair_table  # noqa: E402
from calibrations.pictures import make_populations, picture_cells  # noqa: E402
from calibrations.trials import Cell, load_cell, processes, run_cell  # noqa: E402
from ganeval.errors import GanevalError  # noqa: E402

TABLES = {
    "Intervals": coverage_table,
    "The gate": gate_table,
    "Unchanged generators that fail": naive_table,
    "One baseline, many checks": baseline_table,
    "Comparisons": pair_table,
}


@click.group()
def calibration() -> None:
    """Measure how often intervals and answers are right."""


def of_cells(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which trials are run."""
    options = (
        click.option(
            "--folder", type=click.Path(path_type=Path), required=True, help="Kept trials."
        ),
        click.option("--trials", default=400, show_default=True, help="Fewer of what is slow."),
        click.option(
            "--first", default=0, help="Number of the first trial, to add to those made elsewhere."
        ),
        click.option("--workers", default=1, show_default=True, help="Processes."),
        click.option("--only", multiple=True, help="Cells whose name begins so. Repeatable."),
        click.option("--tables/--no-tables", default=True, help="Print the tables at the end."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@calibration.command()
@of_cells
def laws(folder: Path, workers: int, **wanted: Any) -> None:
    """Run what is missing of the cells with feature laws, and print their tables."""
    folder.mkdir(parents=True, exist_ok=True)
    with processes(workers) as pool:
        run_cells(all_cells(), folder, pool, workers, **wanted)


@calibration.command()
@of_cells
def pictures(folder: Path, workers: int, **wanted: Any) -> None:
    """Get the pictures and their features once, run the trials that are missing, print tables."""
    folder.mkdir(parents=True, exist_ok=True)
    with processes(workers) as pool:
        make_populations(folder, pool, workers)
        run_cells(picture_cells(folder), folder, pool, workers, **wanted)


def run_cells(
    every: Iterable[Cell],
    folder: Path,
    pool: ProcessPoolExecutor,
    workers: int,
    *,
    trials: int,
    first: int,
    only: tuple[str, ...],
    tables: bool,
) -> None:
    """Run the trials of cells that are missing in the folder, and print the tables of all."""
    cells = [cell for cell in every if cell.name.startswith(only or "")]
    try:
        for cell in cells:
            wanted = range(first, first + num_trials(cell, trials))
            run_cell(folder, cell, wanted, pool, workers)
        kept = {cell: load_cell(folder, cell) for cell in cells}
    except GanevalError as error:
        raise click.ClickException(str(error)) from error
    done = {cell: one for cell, one in kept.items() if one is not None}
    for title, table in TABLES.items() if tables else ():
        titles, lines = table(done)
        if lines:
            print(f"\n## {title}\n\n| {' | '.join(titles)} |\n|{'---|' * len(titles)}")
            for line in lines:
                print(f"| {' | '.join(line)} |")


@calibration.command()
@click.option("--trials", default=300, show_default=True)
@click.option("--only", multiple=True, type=click.Choice(list(CASES)), help="Repeatable.")
def defects(trials: int, only: tuple[str, ...]) -> None:
    """Print what single cases show that were once wrong, a line each: then, and now."""
    print("| case | simulated | then | now |\n|---|---|---|---|")
    for name in only or CASES:
        for what, now in CASES[name](trials):
            print(f"| {name.upper()} | {what} | {THEN.get(what, '-')} | {now} |", flush=True)


if __name__ == "__main__":
    calibration()
