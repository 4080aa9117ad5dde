"""The results of a run: a checkpoint of each exported network, and a preview of its samples."""

from pathlib import Path

import torch

from reference_models.engine.data import Data
from reference_models.engine.inputs import inputs_of
from reference_models.engine.kinds import GRID, kind_of
from reference_models.engine.recipe import Recipe
from reference_models.engine.run import Run


def export(run: Run, recipe: Recipe, data: Data, paths: list[Path], *, seed: int) -> None:
    """Write the averaged networks to paths in the order of `checkpoint_names`.

    Raises:
        GanevalError: A file cannot be written.
    """
    for name, path in zip(recipe.exported, paths, strict=True):
        kind_of(data).export(run.averages[name], name, recipe, data, path, step=run.step, seed=seed)


def checkpoint_names(recipe: Recipe, suffix: str) -> list[str]:
    """Return the names of a model's checkpoints in the folder of a run.

    The first has the model's name; the kind of data decides the suffix.
    """
    _first, *others = recipe.exported
    return [f"{recipe.name}{suffix}", *(f"{recipe.name}-{name}{suffix}" for name in others)]


@torch.inference_mode()
def write_samples(run: Run, recipe: Recipe, data: Data, path: Path, *, seed: int) -> None:
    """Write a preview of the first network's samples for inputs that are fixed during a run."""
    inputs = inputs_of(run.average, recipe, data, GRID * GRID, seed=seed, name=recipe.main)
    kind_of(data).write_preview(run.average(*inputs), data, path)
