"""Scores of the averaged generator during training, by ganeval's own metrics."""

import logging
from collections.abc import Iterator, Mapping, Sized
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import ganeval
from reference_models.engine.data import Data
from reference_models.engine.export import as_source
from reference_models.engine.observe import is_due
from reference_models.engine.recipe import Recipe
from reference_models.engine.rows import Rows
from reference_models.engine.run import Observer, Run
from reference_models.engine.solvers import Log

logger = logging.getLogger("ganeval.training")

_BLOCK = 64  # samples made at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """How a generator is scored during training.

    Attributes:
        every: Steps from one score to the next; 0: never.
        metrics: As for `ganeval.evaluate`.
        extractor: Network that turns images into features.
        num_images: Samples, and training images to compare them with (or all, if there are fewer).
        reference: A source to compare with instead, such as a held-out split.
        cache_dir: Where features are kept, a folder or URL; None for the user's cache folder.
    """

    every: int = 0
    metrics: tuple[str, ...] = ("fid", "kid")
    extractor: str = "efficientnet-lite0"
    num_images: int = 360
    reference: str | None = None
    cache_dir: Path | str | None = None


@contextmanager
def curve(
    scoring: Scoring, recipe: Recipe, data: Data, path: Path, *, seed: int, device: torch.device
) -> Iterator[Observer]:
    """Yield an observer that writes a row of scores to `path` at intervals.

    The reference's features are computed once, and found in the cache by later runs. The scores are
    those of `ganeval eval` for a checkpoint of that step. They are added to the log as
    "score/fid". A generator that cannot be scored, because all its images are the same say, is
    named in a warning and gets no row.

    Raises:
        GanevalError: A metric, an extractor or a reference that cannot be had, or another one than
            that of the rows before; before any step.
    """
    reference = _reference(scoring, data)
    conditions = {
        "num_images": scoring.num_images,
        "extractor": scoring.extractor,
        "reference": reference.name if isinstance(reference, ganeval.Images) else reference,
    }
    with ExitStack() as resources:
        scorer = resources.enter_context(
            ganeval.Accumulator(
                reference=reference,
                metrics=scoring.metrics,
                extractor=scoring.extractor,
                device=str(device),
                cache_dir=scoring.cache_dir,
                command="ganeval train",
            )
        )
        opened: list[Rows] = []

        def observe(run: Run, log: Log) -> None:
            if not opened:
                opened.append(resources.enter_context(Rows(path, step=run.step)))
                _check_conditions(path, opened[0].values, conditions)
            (rows,) = opened
            if not is_due(run.step, scoring.every) or rows.last == run.step:
                return
            samples = as_source(run.average, recipe, data, num_images=scoring.num_images, seed=seed)
            scores = _scores(scorer, samples, run.step)
            if scores:
                rows.append(run.step, {**conditions, **scores})
                rows.sync()
                log |= {f"score/{name}": value for name, value in scores.items()}

        yield observe


def _reference(scoring: Scoring, data: Data) -> Any:
    """Return what to compare with: a source by its name, or the first training images."""
    if scoring.reference is not None:
        return scoring.reference
    num = min(scoring.num_images, len(data)) if isinstance(data, Sized) else scoring.num_images
    return ganeval.Images(
        data.batch(0, 0, num).real, value_range=(-1, 1), name=f"{num} training images"
    )


def _check_conditions(path: Path, last: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to put scores into one curve that are not comparable."""
    for name, value in now.items():
        if last and last.get(name) != value:
            raise ganeval.GanevalError(
                f"{path}: {name} was {last.get(name)}, now it is {value}",
                "one way of scoring for the whole curve",
                "restore it, or move the file away",
            )


def _scores(
    scorer: ganeval.Accumulator, generator: ganeval.Generator, step: int
) -> dict[str, float]:
    """Return the scores of a generator by name; none if it cannot be scored."""
    scorer.reset()
    try:
        source = ganeval.open_source(generator, policy=ganeval.Settings().decode)
        for start in range(0, len(source), _BLOCK):
            items = source.load(range(start, min(start + _BLOCK, len(source))))
            pixels = np.stack([item.image().pixels for item in items])
            scorer.update(torch.from_numpy(pixels))
    except ganeval.GanevalError as error:
        logger.warning("step %d is not scored: %s", step, error)
        return {}
    return {score.name: float(score.value) for score in scorer.compute(step=step).scores}
