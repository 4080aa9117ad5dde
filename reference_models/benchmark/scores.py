"""Score all checkpoints of a suite, with one reference for each data set, and compare models."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import ganeval
from reference_models.benchmark.record import read_record, seconds_of
from reference_models.benchmark.suite import Program, Suite, Trained
from reference_models.benchmark.trials import Trial

Which = Literal["last", "best"]
"""The checkpoint after the last step, or the one with the best value of the curve's first score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The comparison of the models on one data set, by one of their checkpoints.

    Attributes:
        data: Name of the data.
        which: The checkpoint.
        trials: The trials that were scored.
        alone: Whether each model has only one run, so that there is no standard error over runs.
        report: A row for each model, the differences between all pairs, and the cost of training.
    """

    data: str
    which: Which
    trials: Sequence[Trial]
    alone: bool
    report: ganeval.Report

    @property
    def title(self) -> str:
        """Title of the table."""
        what = "last checkpoint" if self.which == "last" else "checkpoint with the best score"
        return f"{self.data}, {what}"


def settings_of_suite(suite: Suite, settings: ganeval.Settings) -> ganeval.Settings:
    """Return the settings with the suite's options for scoring."""
    scoring = suite.scoring
    return replace(
        settings,
        extractor=scoring.extractor,
        protocol=scoring.protocol,
        num_images=scoring.num_images,
        seed=scoring.seed,
    )


def compare_all(
    suite: Suite, trials: Sequence[Trial], settings: ganeval.Settings
) -> Iterator[Comparison]:
    """Yield the comparisons of every data set: first of the last checkpoints, then of the best.

    The second one is left out if no model was scored during training. A model that was not trained
    here has only one checkpoint, which appears in both.

    Args:
        suite: The suite.
        trials: The trials that did not fail.
        settings: As for `carry_out`.

    Raises:
        GanevalError: As `ganeval.compare` does.
    """
    for data in suite.data:
        own = [trial for trial in trials if trial.data == data]
        for which in get_args(Which):
            if own and (which == "last" or any(trial.best for trial in own)):
                yield _compare(suite, own, which, settings)


def _compare(
    suite: Suite, trials: Sequence[Trial], which: Which, settings: ganeval.Settings
) -> Comparison:
    """Compare the models on one data set; if each has one run, with errors over images."""
    sources = {trial.name: source_of(trial, which) for trial in trials}
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(trial.model, []).append(trial)
    alone = all(len(group) == 1 for group in groups.values())
    scoring: dict[str, Any] = {
        "reference": suite.data[trials[0].data].reference,
        "metrics": suite.scoring.metrics,
        "rank": suite.scoring.rank,
        "settings": settings_of_suite(suite, settings),
    }
    if alone:
        report = ganeval.compare(samples=list(sources.values()), **scoring)
        found = dict.fromkeys(row.sample for row in report.scores)
        report = report.renamed(dict(zip(found, groups, strict=True)))
    else:
        runs = {model: [sources[trial.name] for trial in group] for model, group in groups.items()}
        report = ganeval.compare(runs=runs, **scoring)
    cards = dict(report.provenance["sources"])
    for model, group in groups.items():
        cards[model] = {**cards[model], "training": training_of(group, which)}
    return Comparison(
        data=trials[0].data,
        which=which,
        trials=trials,
        alone=alone,
        # Without the values of single images; `ganeval compare` has them.
        report=replace(
            report, provenance={**report.provenance, "sources": cards}, influence={}, items={}
        ),
    )


def source_of(trial: Trial, which: Which) -> str:
    """Return the source of a trial's samples."""
    return trial.best or trial.last if which == "best" else trial.last


def cost_of(trial: Trial, which: Which) -> dict[str, float]:
    """Return the known cost of training a checkpoint.

    The cost is the last step, the images seen and the seconds of the steps; for a command it is the
    seconds from its start to its end.
    """
    if isinstance(trial.way, Program):
        record = read_record(trial.folder)
        return {} if record is None or record.seconds is None else {"seconds": record.seconds}
    if not isinstance(trial.way, Trained):
        return {}
    step = ganeval.read_card(source_of(trial, which)).step
    seconds = seconds_of(trial.folder, step)
    known = {} if seconds is None else {"seconds": seconds}
    return {"step": step, "images": step * trial.recipe.batch_size, **known}


def training_of(trials: Sequence[Trial], which: Which) -> Mapping[str, Any]:
    """Return the number of training runs, and the means of the costs that are known for all.

    If their checkpoints have different steps, "steps" has the smallest and the largest one.
    """
    costs = [cost_of(trial, which) for trial in trials]
    shared = [name for name in costs[0] if all(name in cost for cost in costs)]
    means = {name: statistics.fmean(cost[name] for cost in costs) for name in shared}
    steps = sorted(int(cost["step"]) for cost in costs if "step" in cost)
    span = {"steps": [steps[0], steps[-1]]} if "step" in means and steps[0] < steps[-1] else {}
    return {"runs": len(trials), **means, **span}
