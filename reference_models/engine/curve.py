"""Scores of the averaged generator during training."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

import ganeval
from reference_models.engine.curve_picture import write_curve
from reference_models.engine.data import Data
from reference_models.engine.files import RunFiles
from reference_models.engine.kinds import Scoring, kind_of
from reference_models.engine.observe import is_due
from reference_models.engine.recipe import Recipe
from reference_models.engine.rows import Rows
from reference_models.engine.run import Observer, Run
from reference_models.engine.solvers import Log

CURVE, CURVE_PICTURE = "curve.jsonl", "curve.png"
_OPTIONS = {
    "num_images": "--eval-images",
    "extractor": "--eval-extractor",
    "reference": "--eval-reference",
}
"""The option that sets each condition of the scores."""
BEST = "best"  # key in a log: the step with the best value of the first score so far


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

    Step `last` is always scored too. Pictures get the same scores as from `ganeval eval` for a
    checkpoint of that step. A row has their standard errors and intervals as "fid_se" and
    "fid_interval", null if there is no honest one. The scores are added to the log as "score/fid",
    and "best" is the step with the best value of the first score so far. If a generator cannot be
    scored, for example because all its images are the same, there is a warning and no row.

    Raises:
        GanevalError: A metric, an extractor or a reference cannot be used, or is not the one of the
            earlier rows; raised before any step.
    """
    with ExitStack() as resources:
        scorer = resources.enter_context(
            kind_of(data).scorer(scoring, recipe, data, seed=seed, device=device)
        )
        opened: list[Rows] = []

        def observe(run: Run, log: Log) -> None:
            if not opened:
                opened.append(resources.enter_context(Rows(files.claim(CURVE), step=run.step)))
                _check_conditions(opened[0], scorer.conditions)
            (rows,) = opened
            due = is_due(run.step, scoring.every) or run.step == last
            if not due or rows.last == run.step:
                return
            scores = scorer.score(run.average, run.step)
            if not scores:
                return
            row: dict[str, Any] = {"step": run.step, **scorer.conditions}
            for score in scores:
                interval = None if score.interval is None else list(score.interval)
                row |= {
                    score.name: score.value,
                    f"{score.name}_se": score.se,
                    f"{score.name}_interval": interval,
                }
            # The row comes last, so that an interrupted run makes picture and row again.
            directions = {score.name: score.direction for score in scores}
            points = [*rows.read(), row]
            write_curve(files.claim(CURVE_PICTURE), points, directions, recipe.name)
            rows.append(run.step, row)
            rows.sync()
            log |= {f"score/{score.name}": score.value for score in scores}
            log[BEST] = float(_best_step(points, scores[0].name, directions[scores[0].name]))

        yield observe


def _best_step(rows: Sequence[Mapping[str, Any]], name: str, direction: str) -> int:
    """Return the step with the best score; the first one among ties."""
    sign = -1 if direction == "higher" else 1
    step: int = min((row for row in rows if name in row), key=lambda row: sign * row[name])["step"]
    return step


def _check_conditions(rows: Rows, now: Mapping[str, Any]) -> None:
    """Check that the scores can be compared with the earlier ones of the curve."""
    for name, value in now.items():
        if rows.values and rows.values.get(name) != value:
            raise ganeval.GanevalError(
                f"{rows.path}: {name} was {rows.values.get(name)}, now it is {value}",
                "one way of scoring for the whole curve",
                f"change {_OPTIONS[name]} back, or move the file away",
            )
