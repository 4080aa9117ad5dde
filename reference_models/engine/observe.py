"""What watches a run: it is told of every step and changes none."""

from pathlib import Path

from reference_models.engine.data import Data
from reference_models.engine.export import GRID, fixed_inputs, write_grid
from reference_models.engine.recipe import Recipe
from reference_models.engine.run import Observer, Run
from reference_models.engine.solvers import Log
from reference_models.engine.whole import remove_leftovers


def is_due(step: int, every: int) -> bool:
    """Tell whether something that happens every so many steps (0: never) happens after `step`."""
    return every > 0 and step > 0 and step % every == 0


def grids(recipe: Recipe, data: Data, folder: Path, *, every: int, seed: int) -> Observer:
    """Return an observer that writes the samples of fixed inputs to `folder/000200.png`."""

    def observe(run: Run, log: Log) -> None:
        if not log:
            _remove_later(folder, run.step)
        if is_due(run.step, every):
            folder.mkdir(exist_ok=True)
            inputs = fixed_inputs(run.average, recipe, data, GRID * GRID, seed=seed)
            write_grid(run.average, inputs, folder / f"{run.step:06}.png")

    return observe


def _remove_later(folder: Path, step: int) -> None:
    """Remove the grids that a killed run made after `step`, and what it left half-made."""
    remove_leftovers(folder)
    for path in folder.glob("*.png"):
        if path.stem.isdigit() and int(path.stem) > step:
            path.unlink()
