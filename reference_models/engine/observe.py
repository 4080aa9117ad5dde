"""Observers of a run: they are called after every step, and do not change the training."""

from pathlib import Path

from reference_models.engine.data import Data
from reference_models.engine.export import write_samples
from reference_models.engine.files import RunFiles
from reference_models.engine.recipe import Recipe
from reference_models.engine.run import Observer, Run
from reference_models.engine.solvers import Log

_FOLDER = "samples"


def is_due(step: int, every: int) -> bool:
    """Return whether an event that occurs every `every` steps (0: never) occurs after `step`."""
    return every > 0 and step > 0 and step % every == 0


def grids(
    recipe: Recipe, data: Data, files: RunFiles, *, every: int, last: int, seed: int
) -> Observer:
    """Return an observer that writes the samples of fixed inputs to `samples/000200.png`.

    Before the first step it removes grids that a killed run made after the step of the resume, and
    checks that all names up to step `last` are free.
    """

    def observe(run: Run, log: Log) -> None:
        if not log:
            files.remove(path for path in files.below(_FOLDER) if _step_of(path) > run.step)
            files.check(*grid_names(run.step, last, every=every))
        if is_due(run.step, every):
            (name,) = grid_names(run.step - 1, run.step, every=every)
            write_samples(run, recipe, data, files.claim(name), seed=seed)

    return observe


def _step_of(grid: Path) -> int:
    """Return the step in a grid's name; 0 if there is no number."""
    return int(grid.stem) if grid.stem.isdecimal() else 0


def grid_names(step: int, last: int, *, every: int) -> list[str]:
    """Return the names of the grids after `step`, up to step `last`, in the run's folder."""
    due = range(step - step % every + every, last + 1, every) if every else ()
    return [f"{_FOLDER}/{number:06}.png" for number in due]
