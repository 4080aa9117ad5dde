"""All pairs of the samples of a report, and their order by one score."""

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ganeval.results.differences import Difference, Measured, difference, holm
from ganeval.results.report import Report
from ganeval.results.row import ScoreRow


def measured(report: Report, row: ScoreRow) -> Measured:
    """Return a score of a report with what the report knows of it."""
    sources: Mapping[str, Any] = report.provenance.get("sources", {})
    return Measured(
        row=row,
        influence=report.influence.get((row.sample, row.reference, row.name)),
        source=sources.get(row.sample, {}),
        reference=None if row.reference is None else sources.get(row.reference, {}),
    )


def compared(report: Report, *, rank: str | None = None, paired: bool | None = None) -> Report:
    """Return the report with the differences of all pairs, better sample first in each.

    Args:
        report: Scores of several samples against one reference.
        rank: The score that orders the samples in tables, best first; None for the first.
        paired: Whether image i of all samples comes from the same latents; None finds out.
    """
    names = list(dict.fromkeys(row.name for row in report.scores))
    ordered = replace(report, rank=rank or names[0])
    samples = list(dict.fromkeys(row.sample for row in ordered.ranked))
    rows = {(row.sample, row.name): row for row in report.scores}
    pairs: list[Difference] = []
    for name in names:
        pairs += holm(
            [
                difference(
                    measured(report, rows[one, name]),
                    measured(report, rows[other, name]),
                    paired=paired,
                )
                for one, other in itertools.combinations(samples, 2)
            ]
        )
    return replace(ordered, comparisons=tuple(pairs))
