"""All pairs of the samples of a report, and their order by one score."""

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ganeval.report.report import Report
from ganeval.scores.difference import Difference, holm
from ganeval.scores.differences import Measured, difference
from ganeval.scores.row import Key, ScoreRow


def measured(report: Report, row: ScoreRow) -> Measured:
    """Return a score of a report with its influence and partners."""
    sources: Mapping[str, Any] = report.provenance.get("sources", {})
    return Measured(
        row=row,
        influence=report.influence.get(row.key),
        source=sources.get(row.sample, {}),
        others={role: sources.get(location, {}) for role, location in row.roles.items()},
        provenance=report.provenance,
    )


def compared(report: Report, *, rank: str | None = None, paired: bool | None = None) -> Report:
    """Return the report with the differences of all pairs, better sample first in each.

    Args:
        report: Scores of several samples against one reference.
        rank: Label of the score that orders the samples in tables, best first; None for the first.
        paired: Whether image i of every sample comes from the same latents; None detects it.
    """
    ordered = replace(report, rank=rank or report.scores[0].label)
    places = list(dict.fromkeys(row.sample for row in ordered.ranked))
    groups: dict[Key, list[ScoreRow]] = {}
    for row in report.scores:
        groups.setdefault(row.key._replace(sample=""), []).append(row)
    pairs: list[Difference] = []
    for rows in groups.values():
        rows.sort(key=lambda row: places.index(row.sample))
        pairs += holm(
            [
                difference(measured(report, one), measured(report, other), paired=paired)
                for one, other in itertools.combinations(rows, 2)
            ]
        )
    return replace(ordered, comparisons=tuple(pairs))
