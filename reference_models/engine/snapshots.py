"""Checkpoints during training: at intervals, and the one with the best score."""

from reference_models.engine.curve import BEST
from reference_models.engine.data import Data
from reference_models.engine.export import checkpoint_names, export
from reference_models.engine.files import RunFiles
from reference_models.engine.kinds import kind_of
from reference_models.engine.observe import is_due
from reference_models.engine.recipe import Recipe
from reference_models.engine.run import Observer, Run
from reference_models.engine.solvers import Log

_FOLDER, _BEST_FOLDER = "snapshots", "best"


def snapshots(recipe: Recipe, data: Data, files: RunFiles, *, every: int, seed: int) -> Observer:
    """Return an observer that writes checkpoints to `snapshots/000200.safetensors`.

    Checkpoints that a killed run made after the step of the resume are removed.
    """

    def names(step: int) -> list[str]:
        made = checkpoint_names(recipe, kind_of(data).suffix)
        ends = (name.removeprefix(recipe.name) for name in made)
        return [f"{_FOLDER}/{step:06}{end}" for end in ends]

    def observe(run: Run, log: Log) -> None:
        if not log:
            _remove_later(_FOLDER, run.step, data, files)
        if is_due(run.step, every):
            export(run, recipe, data, files.claim_all(names(run.step)), seed=seed)

    return observe


def best_names(recipe: Recipe, suffix: str) -> list[str]:
    """Return the names of a model's best checkpoints in the folder of a run.

    They are in their own folder, so that a glob for the checkpoints of several runs does not match
    them.
    """
    return [f"{_BEST_FOLDER}/{name}" for name in checkpoint_names(recipe, suffix)]


def best_kept(recipe: Recipe, data: Data, files: RunFiles, *, seed: int) -> Observer:
    """Return an observer that keeps the checkpoint with the best score in the curve.

    It must come after the observer that scores. The score of the chosen checkpoint is too
    optimistic, because the best of many noisy scores always is. So score the file again with
    another seed. If a killed run resumes before the step of the file, the file is removed, and
    written again at that step.
    """

    def observe(run: Run, log: Log) -> None:
        if not log:
            _remove_later(_BEST_FOLDER, run.step, data, files)
        if log.get(BEST) == run.step:
            paths = files.claim_all(best_names(recipe, kind_of(data).suffix))
            export(run, recipe, data, paths, seed=seed)

    return observe


def _remove_later(folder: str, step: int, data: Data, files: RunFiles) -> None:
    """Remove the checkpoints in a folder of the run that were made after a step."""
    made = (path for path in files.below(folder) if path.exists())
    files.remove([path for path in made if kind_of(data).step_of(path) > step])
