"""Train two models, and score them together with their untrained state and with real digits."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

import ganeval
from reference_models.engine.data import open_data
from reference_models.engine.export import checkpoint_names, export
from reference_models.engine.files import RunFiles, refusals_explained
from reference_models.engine.keep import STATE
from reference_models.engine.kinds import Scoring, kind_of
from reference_models.engine.one_thread import one_thread
from reference_models.engine.run import Observer
from reference_models.engine.session import Watch, find_recipe, run_training
from reference_models.engine.train import begin
from reference_models.tour.learning_curves import SHOWN, Row, write_learning_curves
from reference_models.tour.sheet import write_sheet

logger = logging.getLogger("ganeval.training")

TRAINING = "data:digits,split=train,size=16"
HELD_OUT = "data:digits,split=test,size=16"
REAL = "held-out digits"
_REPORT, _TABLE, _SHEET, _CURVES = "report.json", "table.md", "samples.png", "learning-curves.png"
_INFLUENCE = "report.influence.safetensors"  # a report may have this file beside it
_LIST = ".ganeval-tour.json"
_SHEET_COLUMNS = 12

Display = Callable[[str, int, int], AbstractContextManager[Sequence[Observer]]]
"""Function of a model, its steps and its batch size; its observers show the training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tour:
    """The models to train, and how to score them.

    Attributes:
        steps: Number of steps of each model, by its name; by default each trains for about a minute
            on two cores.
        num_scores: Number of points of a learning curve, without the untrained one.
        extractor: Network that turns images into features.
        num_images: Samples of each model; there are 360 held-out digits.
    """

    steps: Mapping[str, int] = field(default_factory=lambda: {"gan": 12_000, "dcgan": 1_800})
    num_scores: int = 3
    extractor: str = "efficientnet-lite0"
    num_images: int = 360


TOUR = Tour()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """The results of a tour.

    Attributes:
        models: Names of the models.
        samples: From the name that people see ("gan", "untrained gan", ..., and `REAL`) to the name
            of the sample in the report.
        report: All scores of all samples against the training digits.
    """

    models: tuple[str, ...]
    samples: Mapping[str, str]
    report: ganeval.Report


@refusals_explained()
def run_tour(
    tour: Tour, folder: Path, settings: ganeval.Settings, *, display: Display | None = None
) -> Scored:
    """Train, score and draw.

    An interrupted tour is continued; a finished one gives the same results again. The checkpoints
    are scored directly, without writing pictures first. The reference is the same as during
    training, so a curve ends at the score of the table. Everything runs on the CPU. The folder then
    holds:

    * `table.md` and `report.json`: the scores;
    * `samples.png`: a row of pictures of every sample;
    * `learning-curves.png`: scores by images seen;
    * `MODEL/`: the training as `run_training` leaves it, for each model;
    * `untrained/MODEL.safetensors`: the model before its training;
    * `.ganeval-tour.json`: the names of these files; no other file is changed.

    Args:
        tour: The models to train, and how to score them.
        folder: Created if it does not exist.
        settings: Seed, cache, progress and command; the tour chooses the other options itself.
        display: Shows each training.

    Raises:
        GanevalError: The folder holds something else, or a tour with another seed, or files that
            the tour did not write but would overwrite.
        KeyboardInterrupt: The user interrupted; the work so far is kept.
    """
    _check_folder(folder)
    files = RunFiles(folder, resume=True, list_name=_LIST)
    for name in (_REPORT, _INFLUENCE, _TABLE, _SHEET, _CURVES):  # before minutes of training
        files.claim(name)
    settings = replace(settings, extractor=tour.extractor, device="cpu", offline=True)
    for model in tour.steps:
        _train(model, tour, folder, settings, display)
    samples = {
        REAL: HELD_OUT,
        **{model: str(folder / model / f"{model}.safetensors") for model in tour.steps},
        **{
            f"untrained {model}": str(_untrained(model, files, settings.seed))
            for model in tour.steps
        },
    }
    options = {"num_images": tour.num_images, "seed": settings.seed}
    sources = {
        name: ganeval.open_source(sample, policy=settings.decode, generator=options)
        for name, sample in samples.items()
    }
    # Ranked by kid, because fid has no standard error below two images per dimension.
    report = ganeval.compare(
        samples=[*sources.values()], reference=TRAINING, settings=settings, rank="kid"
    )
    scored = Scored(models=tuple(tour.steps), samples=samples, report=report)
    report.save(folder / _REPORT)
    report.save(folder / _TABLE)
    first = {name: _first_pictures(source) for name, source in sources.items()}
    write_sheet(folder / _SHEET, first)
    curves = {model: _curve(model, folder / model, scored) for model in tour.steps}
    real = _scores(scored, REAL)
    write_learning_curves(folder / _CURVES, curves, real, real_name=REAL)
    return scored


def _check_folder(folder: Path) -> None:
    """Refuse a folder that holds something else, such as a training run of the user."""
    if folder.exists() and not folder.is_dir():
        found = "is a file"
    elif folder.exists() and any(folder.iterdir()) and not (folder / _LIST).is_file():
        found = "holds something else"
    else:
        return
    raise ganeval.GanevalError(f"{folder}: {found}", "a new folder", "choose one with --out")


def _train(
    model: str, tour: Tour, folder: Path, settings: ganeval.Settings, display: Display | None
) -> None:
    """Train a model to its last step, from where an earlier tour stopped."""
    steps, recipe, folder = tour.steps[model], find_recipe(model), folder / model
    every = steps // tour.num_scores
    logger.info("%s: %d steps of training, with a score after each %d", model, steps, every)
    scoring = Scoring(
        every=every,
        metrics=("fid", "pr"),
        extractor=tour.extractor,
        num_images=tour.num_images,
        reference=TRAINING,
        cache_dir=settings.cache_dir,
    )
    shown = nullcontext(()) if display is None else display(model, steps, recipe.batch_size)
    with one_thread(), shown as observers:
        run_training(
            model,
            folder=folder,
            steps=steps,
            seed=settings.seed,
            resume=(folder / STATE).exists(),
            save_every=every,
            watch=Watch(grid_every=every, scoring=scoring, board=False),
            observers=observers,
        )


def _untrained(model: str, files: RunFiles, seed: int) -> Path:
    """Write the checkpoint of a model before its training."""
    recipe = find_recipe(model)
    data = open_data(recipe.data)
    run = begin(recipe, data, seed=seed, device=torch.device("cpu"))
    names = checkpoint_names(recipe, kind_of(data).suffix)
    paths = files.claim_all(f"untrained/{name}" for name in names)
    export(run, recipe, data, paths, seed=seed)
    return paths[0]


def _first_pictures(source: Any) -> npt.NDArray[np.uint8]:
    """Return the first pictures of a source, uint8 [N, 3, H, W]."""
    return np.stack([item.picture().pixels for item in source.load(range(_SHEET_COLUMNS))])


def _curve(model: str, folder: Path, scored: Scored) -> list[Row]:
    """Return the scores of a training with the images seen; the untrained model is first."""
    batch_size = find_recipe(model).batch_size
    lines = (folder / "curve.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [{"step": 0, **_scores(scored, f"untrained {model}")}, *map(json.loads, lines)]
    return [{"images": row["step"] * batch_size, **row} for row in rows]


def _scores(scored: Scored, sample: str) -> dict[str, float]:
    """Return the scores of a sample that the learning curves show."""
    return {name: scored.report[scored.samples[sample], name].value for name in SHOWN}
