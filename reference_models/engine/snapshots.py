"""Checkpoints during training: at intervals, and the best one by a score."""

import ganeval
from reference_models.engine.curve import BEST
from reference_models.engine.data import Data
from reference_models.engine.export import export
from reference_models.engine.files import RunFiles
from reference_models.engine.observe import is_due
from reference_models.engine.recipe import Recipe
from reference_models.engine.run import Observer, Run
from reference_models.engine.solvers import Log

_FOLDER, _BEST_FOLDER = "snapshots", "best"


def snapshots(recipe: Recipe, data: Data, files: RunFiles, *, every: int, seed: int) -> Observer:
    """Return an observer that writes checkpoints to `snapshots/000200.safetensors`.

    Those that a killed run made after the step where it resumes go away.
    """

    def observe(run: Run, log: Log) -> None:
        if not log:
            files.remove(path for path in files.within(_FOLDER) if int(path.stem) > run.step)
        if is_due(run.step, every):
            path = files.claim(f"{_FOLDER}/{run.step:06}.safetensors")
            export(run.average, recipe, data, path, step=run.step, seed=seed)

    return observe


def best_name(recipe: Recipe) -> str:
    """Return what the best checkpoint of a model is called within the folder of a run.

    In a folder of its own, so that a pattern for the checkpoints of several runs does not find it.
    """
    return f"{_BEST_FOLDER}/{recipe.name}.safetensors"


def best_kept(recipe: Recipe, data: Data, files: RunFiles, *, seed: int) -> Observer:
    """Return an observer that keeps the checkpoint with the best score in the curve.

    It comes after the observer that scores. The score by which it was chosen is too good for it, as
    the best of many noisy ones is: score the file anew, with another seed. Where a killed run goes
    on before the step of that file it goes away, and comes again at that step.
    """

    def observe(run: Run, log: Log) -> None:
        if not log:
            files.remove(
                path
                for path in files.within(_BEST_FOLDER)
                if path.exists() and ganeval.read_card(path).step > run.step
            )
        if log.get(BEST) == run.step:
            path = files.claim(best_name(recipe))
            export(run.average, recipe, data, path, step=run.step, seed=seed)

    return observe
