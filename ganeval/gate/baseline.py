"""The baseline file: accepted scores with everything that comparing a later run needs.

It is the report of one sample with sorted keys, so that accepting another run gives a diff that
people can read. Like a report, it has a file with the influence values beside it.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ganeval.errors import UsageError
from ganeval.gate.change import GATE, compare_scores, same_features
from ganeval.gate.forecast import forecast
from ganeval.gate.limits import Limit
from ganeval.report.beside import scores_digest
from ganeval.report.comparisons import measured
from ganeval.report.digits import show_column
from ganeval.report.influence_file import INFLUENCES, packed
from ganeval.report.output import check_output, write_output
from ganeval.report.report import Report
from ganeval.report.report_file import read_parts
from ganeval.scores.row import ScoreRow
from ganeval.scores.runs import RunValues

log = logging.getLogger(__name__)

SCHEMA = "ganeval.baseline/1"
MADE_BY = "ganeval baseline accept RUN.json... -o BASE.json"
RULE = 2  # the version of the rule that decides about later runs


def accept(
    run: Report | Sequence[Report],
    path: Path,
    limits: Sequence[Limit] = (),
    alpha: float = 0.05,
) -> tuple[str, ...]:
    """Write a run, or several training runs of one recipe, as the baseline.

    Args:
        run: The report or reports. The first one is kept whole; the others give their values.
        path: The file.
        limits: Limits for which to say how often an unchanged generator would pass.
        alpha: The `alpha` that `check` will use.

    Returns:
        A line for each score, with its value in the older baseline, and the lines of `forecast`.

    Raises:
        UsageError: A run has no score or several samples, the runs do not belong together, or the
            file cannot be written.
        InputError: The file that would be replaced is no baseline.
    """
    runs = [run] if isinstance(run, Report) else list(run)
    for one in runs:
        check_single(one)
    check_output(path, (".json",))
    INFLUENCES.check(path)
    before = load_baseline(path) if path.exists() else None
    accepted = with_rule(runs)
    for limit in limits:
        if doubt := limit.doubt(accepted[limit.name].value):
            log.warning("%s", doubt)
    which = f"\t(the first of {len(runs)} training runs)" if len(runs) > 1 else ""
    lines = [
        f"{row.label}\t{_value(row)}{which}{_was(row, runs[0], before)}" for row in runs[0].scores
    ]
    lines += [line for limit in limits for line in forecast(accepted, limit, alpha)]
    _write(accepted, path)
    return tuple(lines)


def with_rule(runs: Sequence[Report]) -> Report:
    """Return the first run, with the values of all runs and the rule of the gate.

    Raises:
        UsageError: They are not runs of one recipe under the same conditions.
    """
    first = runs[0]
    facts: dict[str, Any] = {"rule": RULE, "num_runs": len(runs)}
    if len(runs) > 1:
        labels = [row.label for row in first.scores]
        check_one_recipe(runs, labels)
        found = {label: RunValues.of([one[label] for one in runs]) for label in labels}
        facts["runs"] = {label: asdict(one) for label, one in found.items() if one is not None}
    return replace(first, provenance={**first.provenance, GATE: facts})


def check_one_recipe(runs: Sequence[Report], labels: Sequence[str]) -> None:
    """Refuse reports that are not several training runs of one recipe, scored alike.

    Raises:
        UsageError: Their conditions or numbers differ, or two have the same images, which say
            nothing about the spread between runs.
    """
    for label in labels:
        sides = [measured(one, one[label]) for one in runs]
        for at, (side, report) in enumerate(zip(sides, runs, strict=True)):
            row, first = side.row, sides[0].row
            found = compare_scores(report, row, runs[0], first, (f"in run {at + 1}", "in run 1"))
            differing = list(found.differing)
            if row.num_sample != first.num_sample:
                differing.append(f"{row.num_sample:,} and {first.num_sample:,} {row.noun}")
            if differing:
                raise UsageError(
                    f"the runs differ: {', '.join(differing)}",
                    "training runs of one recipe, scored alike",
                    found.remedy or "score equal numbers of each",
                )
            twins = [before for before, one in enumerate(sides[:at]) if same_features(side, one)]
            if twins:
                raise UsageError(
                    f"runs {twins[0] + 1} and {at + 1} are the same {row.noun}",
                    "several training runs of one recipe",
                    "name each run once",
                )


def rule_of(baseline: Report) -> int:
    """Return the version of a baseline's rule; 1 for a baseline that does not say it."""
    return int(baseline.provenance.get(GATE, {}).get("rule", 1))


def _was(row: ScoreRow, run: Report, before: Report | None) -> str:
    """Say what a score was in the older baseline, and why it is not comparable, if so."""
    old = [one for one in before.scores if one.label == row.label] if before is not None else []
    if before is None or not old:
        return ""
    differing = compare_scores(run, row, before, old[0]).differing
    reason = f", not comparable: {', '.join(differing)}" if differing else ""
    return f"\t(was {_value(old[0])}{reason})"


def _value(row: ScoreRow) -> str:
    """Return a score as text."""
    (shown,) = show_column([row])
    return shown.text


def check_single(report: Report) -> None:
    """Refuse a report that does not have one sample and one reference.

    Raises:
        UsageError: It has no score, several samples or several references.
    """
    num = len({row.sample for row in report.scores})
    if num != 1:
        raise UsageError(
            f"the run has {num} samples",
            "one sample in a baseline",
            "score the sample to be accepted alone",
        )
    references = {row.reference for row in report.scores} - {None}
    if len(references) > 1:
        raise UsageError(
            f"the run has {len(references)} references",
            "one reference in a baseline",
            "score the sample against one of them",
        )


def _write(run: Report, path: Path) -> None:
    """Write both files, or none; the influence values of an older baseline are removed."""
    content = json.loads(run.to_json()) | {"schema": SCHEMA}
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=True, allow_nan=False) + "\n"
    contents = {path: text.encode("ascii")}
    if run.influence:
        contents[INFLUENCES.path(path)] = packed(run.influence, scores_digest(content["scores"]))
    write_output(contents)
    if not run.influence:
        INFLUENCES.path(path).unlink(missing_ok=True)


def load_baseline(path: Path, *, remedy: str = "check the name") -> Report:
    """Read a baseline, and the influence values beside it.

    Args:
        path: The file.
        remedy: What to do if there is no such file; it goes into the message.

    Raises:
        InputError: The file is not a baseline, or the influence values are damaged.
    """
    return Report(*read_parts(path, schema=SCHEMA, made_by=MADE_BY, remedy=remedy))
