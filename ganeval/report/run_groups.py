"""Make a report of recipes from several training runs of each."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ganeval.errors import UsageError
from ganeval.report.comparisons import measured
from ganeval.report.report import Report
from ganeval.scores.difference import Difference, holm
from ganeval.scores.differences import difference
from ganeval.scores.power import quantile
from ganeval.scores.row import ScoreRow
from ganeval.scores.runs import NO_SPREAD, RunValues, difference_of_runs

RUNS = "runs"
"""Key in the provenance of the values of single runs."""


def of_recipes(report: Report, groups: Mapping[str, Sequence[str]], rank: str) -> Report:
    """Return the report of several recipes, a row for each, and all pairs of them.

    The error of a recipe is the one over its training runs; see `difference_of_runs`. The values of
    the single runs are in the provenance.

    Args:
        report: The scores of all training runs against one reference.
        groups: The samples of each recipe by its name.
        rank: Label of the score that orders the recipes.

    Raises:
        UsageError: The runs of a recipe have different numbers of images.
    """
    rows: list[ScoreRow] = []
    pairs: list[Difference] = []
    stored: dict[str, dict[str, Any]] = {name: {} for name in groups}
    labels = list(dict.fromkeys(row.label for row in report.scores))
    for label in labels:
        own = {
            name: [row for row in report.scores if row.label == label and row.sample in samples]
            for name, samples in groups.items()
        }
        for name, of_runs in own.items():
            rows.append(_together(name, of_runs))
            values = RunValues.of(of_runs)
            stored[name][label] = {
                "samples": [row.sample for row in of_runs],
                "values": [row.value for row in of_runs],
                "without_bias": None if values is None else list(values.values),
            }
        column = {row.sample: row for row in rows if row.label == label}
        ordered = sorted(column, key=lambda name: _loss(column[name]))
        pairs += holm(
            [
                replace(_difference(report, own[one], own[other]), sample=one, other=other)
                for one, other in itertools.combinations(ordered, 2)
            ]
        )
    sources = dict(report.provenance.get("sources", {}))
    for name, samples in groups.items():
        first = sources.get(samples[0], {})
        kept = {key: first[key] for key in ("item", "noun", "content") if key in first}
        sources[name] = {"kind": RUNS, "used": rows[0].num_sample, **kept}
    return replace(
        report,
        scores=tuple(rows),
        provenance={**report.provenance, "sources": sources, RUNS: stored},
        influence={},
        comparisons=tuple(pairs),
        rank=rank,
        items={},
        galleries=(),
    )


def _loss(row: ScoreRow) -> float:
    """Return how bad a value is, for the order of pairs."""
    return -row.value if row.direction == "higher" else abs(row.value)


def _together(name: str, rows: Sequence[ScoreRow]) -> ScoreRow:
    """Return one score of a recipe, from those of its runs."""
    nums = sorted({row.num_sample for row in rows})
    if len(nums) > 1:
        raise UsageError(
            f"the runs of {name} have {' and '.join(f'{num:,}' for num in nums)} {rows[0].noun}",
            "equal numbers in all runs",
            "give --num-images",
        )
    num = len(rows)
    value = sum(row.value for row in rows) / num
    runs = f"{num} training run{'' if num == 1 else 's'}"
    found = replace(
        rows[0],
        sample=name,
        kind=replace(rows[0].kind, error="runs"),
        value=value,
        se=None,
        interval=None,
        details={"runs": float(num)},
        notes=(),
        cautions={},
        enough={},
    )
    values = RunValues.of(rows)
    if values is None:
        return replace(
            found, notes=(f"no error: {'; '.join(rows[0].notes)}",), enough=rows[0].enough
        )
    if any(values.removed):
        which = "roughly_debiased" if values.rough else "debiased"
        found = replace(found, details={**found.details, which: values.mean})
    if num == 1:
        fact = f"{runs}: nothing shows how much another would differ"
        return replace(found, notes=(fact,), cautions={fact: "train it again with other seeds"})
    if values.variance == 0:
        return replace(found, notes=(NO_SPREAD,), cautions={NO_SPREAD: "no standard error"})
    if values.rough:
        return replace(found, notes=rows[0].notes, enough=rows[0].enough)
    se = math.sqrt(values.variance / num)
    reach = quantile(0.975, num - 1) * se
    biased = " around the value without its bias" if any(values.removed) else ""
    return replace(
        found,
        se=se,
        interval=(values.mean - reach, values.mean + reach),
        notes=(f"se and interval: over {runs} (Student's t){biased}",),
    )


def _difference(report: Report, ones: Sequence[ScoreRow], others: Sequence[ScoreRow]) -> Difference:
    """Return the difference between the runs of two recipes."""
    several = len(ones) > 1 or len(others) > 1
    first = difference(measured(report, ones[0]), measured(report, others[0]), over_runs=several)
    mine, theirs = RunValues.of(ones), RunValues.of(others)
    if first.method == "none" or not several or mine is None or theirs is None:
        alone = "one training run on each side: the noise of retraining is not in the error"
        return first if several else replace(first, notes=(*first.notes, alone))
    return difference_of_runs(first, mine, theirs)
