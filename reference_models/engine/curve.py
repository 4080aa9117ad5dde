"""Scores of the averaged generator during training, by ganeval's own metrics."""

import logging
from collections.abc import Iterator, Mapping, Sequence, Sized
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

import ganeval
from reference_models.engine.curve_picture import write_curve
from reference_models.engine.data import Data
from reference_models.engine.export import as_source
from reference_models.engine.files import RunFiles
from reference_models.engine.observe import is_due
from reference_models.engine.recipe import Recipe
from reference_models.engine.rows import Rows
from reference_models.engine.run import Observer, Run
from reference_models.engine.solvers import Log

logger = logging.getLogger("ganeval.training")

CURVE, CURVE_PICTURE = "curve.jsonl", "curve.png"
BEST = "best"  # of a log: the step with the best score so far, by the first score
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
    scoring: Scoring,
    recipe: Recipe,
    data: Data,
    files: RunFiles,
    *,
    last: int,
    seed: int,
    device: torch.device,
) -> Iterator[Observer]:
    """Yield an observer that writes a row of scores to `curve.jsonl` at intervals, and draws them.

    Step `last` is scored too, wherever the interval has it. The reference's features are computed
    once, and found in the cache by later runs. The scores are those of `ganeval eval` for a
    checkpoint of that step, each with its standard error and its interval as "fid_se" and
    "fid_interval", null where there is no honest one. They are added to the log as "score/fid", and
    "best" is the step with the best first score so far. A
    generator that cannot be scored, because all its images are the same say, is named in a warning
    and gets no row.

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
                opened.append(resources.enter_context(Rows(files.claim(CURVE), step=run.step)))
                _check_conditions(opened[0], conditions)
            (rows,) = opened
            due = is_due(run.step, scoring.every) or run.step == last
            if not due or rows.last == run.step:
                return
            samples = as_source(run.average, recipe, data, num_images=scoring.num_images, seed=seed)
            scores = _scores(scorer, samples, run.step)
            if not scores:
                return
            row: dict[str, Any] = {"step": run.step, **conditions}
            for score in scores:
                interval = None if score.interval is None else list(score.interval)
                row |= {
                    score.name: score.value,
                    f"{score.name}_se": score.se,
                    f"{score.name}_interval": interval,
                }
            # The row last: a run that is cut before it makes both again.
            directions = {score.name: score.direction for score in scores}
            points = [*rows.read(), row]
            write_curve(files.claim(CURVE_PICTURE), points, directions, recipe.name)
            rows.append(run.step, row)
            rows.sync()
            log |= {f"score/{score.name}": float(score.value) for score in scores}
            log[BEST] = float(_best_step(points, scores[0].name, directions[scores[0].name]))

        yield observe


def _best_step(rows: Sequence[Mapping[str, Any]], name: str, direction: str) -> int:
    """Return the step with the best score, the first of equal ones."""
    sign = -1 if direction == "higher" else 1
    step: int = min(rows, key=lambda row: sign * row[name])["step"]
    return step


def _reference(scoring: Scoring, data: Data) -> Any:
    """Return what to compare with: a source by its name, or the first training images."""
    if scoring.reference is not None:
        return scoring.reference
    num = min(scoring.num_images, len(data)) if isinstance(data, Sized) else scoring.num_images
    images = _FirstImages(data, num)
    return ganeval.Images(images, value_range=(-1, 1), name=f"{num} training images")


class _FirstImages(Dataset[torch.Tensor]):
    """The first images of a stream, each read when it is looked at: they may be very many."""

    def __init__(self, data: Data, num: int) -> None:
        self._data, self._num = data, num

    def __len__(self) -> int:
        return self._num

    def __getitem__(self, index: int) -> torch.Tensor:
        """Return one image, float32 [C, H, W] in [-1, 1]."""
        return self._data.batch(0, index, 1)["real"][0]


def _check_conditions(rows: Rows, now: Mapping[str, Any]) -> None:
    """Refuse to put scores into one curve that are not comparable."""
    for name, value in now.items():
        if rows.values and rows.values.get(name) != value:
            raise ganeval.GanevalError(
                f"{rows.path}: {name} was {rows.values.get(name)}, now it is {value}",
                "one way of scoring for the whole curve",
                "restore it, or move the file away",
            )


def _scores(scorer: ganeval.Accumulator, generator: ganeval.Generator, step: int) -> Sequence[Any]:
    """Return the rows of a generator's report; none if it cannot be scored."""
    scorer.reset()
    try:
        source = ganeval.open_source(generator, policy=ganeval.Settings().decode)
        for start in range(0, len(source), _BLOCK):
            items = source.load(range(start, min(start + _BLOCK, len(source))))
            pixels = np.stack([item.picture().pixels for item in items])
            scorer.update(torch.from_numpy(pixels))
    except ganeval.GanevalError as error:
        logger.warning("step %d is not scored: %s", step, error)
        return ()
    return scorer.compute(step=step).scores
