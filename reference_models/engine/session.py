"""Train a model by its name, from data to checkpoint, as `ganeval train` does."""

import importlib
import logging
from collections.abc import Iterator, Mapping, Sequence, Sized
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

import ganeval
from reference_models import MODELS
from reference_models.engine.board import tensorboard
from reference_models.engine.collapse import collapse_warning
from reference_models.engine.curve import CURVE, CURVE_PICTURE, curve
from reference_models.engine.data import Data, Shape, training_data, unknown
from reference_models.engine.draw import Draw
from reference_models.engine.export import checkpoint_names, export, write_samples
from reference_models.engine.files import RunFiles, refusals_explained
from reference_models.engine.keep import METRICS, STATE, restore_averages
from reference_models.engine.kinds import Scoring, kind_of
from reference_models.engine.observe import grid_names, grids
from reference_models.engine.parallel import join_team, of_team
from reference_models.engine.precision import Precision
from reference_models.engine.recipe import Recipe
from reference_models.engine.run import Observer, Run
from reference_models.engine.settings import read_settings, settings_of, toml_lines, with_settings
from reference_models.engine.snapshots import best_kept, best_names, snapshots
from reference_models.engine.solvers import Log
from reference_models.engine.train import train
from reference_models.engine.whole import written_whole

logger = logging.getLogger("ganeval.training")

SAMPLES = "samples.png"
SETTINGS = "settings.toml"
_UNLISTED = (STATE, METRICS, SAMPLES, CURVE, "*.safetensors")
"""Files of old runs, which have no list of files; without their grids."""

_WORDS = {"labels": "classes", "condition": "pictures to make others from"}
"""Names of the data's tensors in messages."""
_HOW_TO_HAVE = {
    "labels": "put the pictures of each class into its own folder, or use digits",
    "condition": "name their source with --data-b (cut pairs in one file in two first: "
    "docs/training-data.md)",
}
"""Remedies if the data lack a tensor, by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What to observe during training; it does not change the training.

    Attributes:
        grid_every: Steps from one grid of samples to the next; 0 for only the last one.
        snapshot_every: Steps from one kept checkpoint to the next; 0 for only the last one.
        scoring: How to score the generator for the curve.
        collapse: Whether to warn if the samples become alike.
        board: Whether to write files for TensorBoard, if it is installed.
    """

    grid_every: int = 200
    snapshot_every: int = 0
    scoring: Scoring = field(default_factory=Scoring)
    collapse: bool = True
    board: bool = True


def run_training(  # noqa: PLR0913 (keyword-only, each is plain)
    model: str,
    *,
    folder: Path,
    settings: Mapping[str, Any] | None = None,
    data: str | None = None,
    steps: int | None = None,
    seed: int = 0,
    resume: bool = False,
    device: torch.device | None = None,
    precision: Precision = "auto",
    save_every: int = 100,
    watch: Watch | None = None,
    observers: Sequence[Observer] = (),
) -> Path | None:
    """Train a model to step `steps` and return the path of its checkpoint.

    Under torchrun all processes call it and share each batch; only the first one returns. CUDA and
    MPS use the same code as the CPU, with numbers drawn on the CPU and batches moved to the device;
    neither has been tested yet.

    The folder then holds:

    * `MODEL.safetensors`: the checkpoint, which is the averaged generator with its card; for points
      `MODEL.npz` with samples;
    * `samples.png`: samples for 64 fixed inputs, and `samples/000200.png` the same at intervals;
    * `metrics.jsonl`: the terms of every step;
    * `curve.jsonl` and `curve.png`: the scores of the averaged generator, if it was scored, and
      `best/MODEL.safetensors`: the checkpoint with the best score;
    * `snapshots/000200.safetensors`: checkpoints at intervals, if `watch` has them;
    * `tensorboard/`: terms, scores and samples for TensorBoard, if it is installed;
    * `settings.toml`: every setting;
    * `state.pt`: the state from which `resume` continues;
    * `.ganeval-run.json`: the names of these files. Other files in the folder are not changed.

    Args:
        model: Name of the model in `MODELS`.
        folder: Folder of the run; created if it does not exist. It may contain other files, but not
            with the names above.
        settings: Settings by dotted name that differ from the model's own; a resumed run keeps its
            settings.
        data: A name or source as in `open_data`; None for the one in the settings.
        steps: Number of the last step, at least 1; None for the number in the settings.
        seed: Seed of all random numbers.
        resume: Whether to continue the run in the folder.
        device: None for the CPU. Several processes on CUDA get one device each.
        precision: Arithmetic of the networks; "auto" is bfloat16 on CUDA and float32 elsewhere.
        save_every: Steps between two saved states; a killed run loses at most this many.
        watch: What to observe.
        observers: Further observers, called after the others.

    Raises:
        GanevalError: A name, an option or a combination cannot be used; the folder has another run
            or other files with the run's names, or cannot be written to; or a term of a loss is not
            finite.
        OSError: The disk is full; the last saved state is kept.
        KeyboardInterrupt: The user interrupted; raised after the end of the step, with the state
            saved. Then, and if a term is not finite, the checkpoint comes from the last saved
            state.
    """
    watch = watch or Watch()
    recipe = recipe_of(model, settings, folder=folder if resume else None, data=data, steps=steps)
    steps = recipe.steps
    files = RunFiles(folder, resume=resume, unlisted=_UNLISTED)
    with (
        join_team(device or torch.device("cpu")) as (team, device),
        refusals_explained(),
        ExitStack() as resources,
    ):
        recipe = of_team(recipe, team)
        opened = _open(recipe, watch.scoring.cache_dir)
        suffix = kind_of(opened).suffix
        if team.leads and (resume or not (folder / STATE).exists()):  # else `train` refuses it
            scored = (CURVE, CURVE_PICTURE, *best_names(recipe, suffix))
            files.check(STATE, METRICS, SAMPLES, SETTINGS, *checkpoint_names(recipe, suffix))
            files.check(*(scored if watch.scoring.every else ()))
            if not resume:  # else the observer checks them; it knows the first step
                files.check(*grid_names(0, steps, every=watch.grid_every))
        watching: list[Observer] = []
        if team.leads:
            _warn_of_repeats(recipe, opened)
            told = _observers(recipe, opened, files, watch, last=steps, seed=seed, device=device)
            watching = [*resources.enter_context(told), *observers, _settings_kept(recipe, files)]

        def leave(run: Run) -> Path:
            """Write the checkpoints, and samples of the first one; return its path."""
            write_samples(run, recipe, opened, files.claim(SAMPLES), seed=seed)
            paths = files.claim_all(checkpoint_names(recipe, suffix))
            export(run, recipe, opened, paths, seed=seed)
            return paths[0]

        moved: list[Run] = []

        def remember(run: Run, log: Log) -> None:
            if log and not moved:
                moved.append(run)

        try:
            run = train(
                recipe,
                opened,
                folder,
                steps=steps,
                seed=seed,
                resume=resume,
                device=device,
                precision=precision,
                save_every=save_every,
                observers=[remember, *watching] if team.leads else (),
                team=team,
                files=files,
            )
        except (KeyboardInterrupt, ganeval.GanevalError):
            # The generator of the last saved state can still be used.
            for run in moved:
                restore_averages(run, folder / STATE)
                if run.step:
                    logger.warning("checkpoint of step %d: %s", run.step, leave(run))
            raise
        return leave(run) if team.leads else None


def find_recipe(model: str) -> Recipe:
    """Return a model's recipe by its name.

    Raises:
        GanevalError: There is no such model.
    """
    if model not in MODELS:
        raise unknown("model", model, MODELS)
    module, _, attribute = MODELS[model].partition(":")
    recipe: Recipe = getattr(importlib.import_module(module), attribute)
    return recipe


def recipe_of(
    model: str,
    settings: Mapping[str, Any] | None = None,
    *,
    folder: Path | None = None,
    data: str | None = None,
    steps: int | None = None,
) -> Recipe:
    """Return a model's recipe with the settings of a run in a folder, and further settings.

    Raises:
        GanevalError: There is no such model or setting, or a value is not allowed.
    """
    recipe = find_recipe(model)
    if folder is not None and (folder / SETTINGS).exists():
        recipe = with_settings(recipe, read_settings(folder / SETTINGS))
    plain = {"data": data, "steps": steps}
    given = {name: value for name, value in plain.items() if value is not None}
    return with_settings(recipe, {**(settings or {}), **given})


def _settings_kept(recipe: Recipe, files: RunFiles) -> Observer:
    """Return an observer that writes the settings of a run when it begins or continues."""
    lines = toml_lines(settings_of(recipe))

    def observe(run: Run, log: Log) -> None:
        if not log:
            with written_whole(files.claim(SETTINGS)) as file:
                file.write("".join(f"{line}\n" for line in lines).encode())

    return observe


def _open(recipe: Recipe, cache_dir: Path | str | None) -> Data:
    """Return the data; check that the model can be trained on them.

    The shape of pictures is checked before they are decoded, by building the networks for it.
    """
    from reference_models.data.pictures import Pictures

    def check(shape: Shape) -> None:
        black = Pictures(name=recipe.data, pixels=np.zeros((1, *shape), np.uint8))
        recipe.build(black, Draw(0, 0).generator("first weights"))

    if recipe.data_b and "condition" not in recipe.reads:
        raise ganeval.GanevalError(
            f"data_b {recipe.data_b} for {recipe.name}",
            "an image-to-image model, such as pix2pix",
            "leave out --data-b",
        )
    data = training_data(recipe, cache_dir=cache_dir, check=check)
    if data.kind not in recipe.kinds:
        raise ganeval.GanevalError(
            f"data '{recipe.data}' has {data.kind}",
            f"{' or '.join(recipe.kinds)}, for {recipe.name}",
            f"use {find_recipe(recipe.name).data}, a source of {recipe.kinds[0]}, or another model",
        )
    for name in recipe.reads:
        if name not in data.names:
            raise ganeval.GanevalError(
                f"data '{recipe.data}' has no {_WORDS.get(name, name)}",
                f"data with {_WORDS.get(name, name)}, for {recipe.name}",
                _HOW_TO_HAVE.get(name, f"use {find_recipe(recipe.name).data}"),
            )
    return data


def _warn_of_repeats(recipe: Recipe, data: Data) -> None:
    """Warn if a batch holds some items twice."""
    if isinstance(data, Sized) and len(data) < recipe.batch_size:
        logger.warning(
            "%s: %d %s for batches of %d, so that %s repeat within a batch; "
            "add %s, or lower batch_size",
            *(data.name, len(data), data.kind, recipe.batch_size, data.kind, data.kind),
        )


@contextmanager
def _observers(
    recipe: Recipe,
    data: Data,
    files: RunFiles,
    watch: Watch,
    *,
    last: int,
    seed: int,
    device: torch.device,
) -> Iterator[list[Observer]]:
    """Yield the observers of a `Watch`; the curve comes before observers that use its scores."""
    watching = [grids(recipe, data, files, every=watch.grid_every, last=last, seed=seed)]
    with ExitStack() as resources:
        if watch.scoring.every:
            scores = curve(watch.scoring, recipe, data, files, last=last, seed=seed, device=device)
            watching.append(resources.enter_context(scores))
            watching.append(best_kept(recipe, data, files, seed=seed))
        if watch.snapshot_every:
            every = watch.snapshot_every
            watching.append(snapshots(recipe, data, files, every=every, seed=seed))
        if watch.collapse:
            watching.append(collapse_warning(recipe, data, seed=seed))
        board = (
            resources.enter_context(tensorboard(files, grid_every=watch.grid_every))
            if watch.board
            else None
        )
        yield watching if board is None else [*watching, board]
