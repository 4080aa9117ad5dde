"""Merge the reports of several runs into one, with a name for each sample."""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ganeval.errors import UsageError
from ganeval.report.report import Report


def merged_files(paths: Sequence[Path], labels: Mapping[str, Path]) -> Report:
    """Read reports and put their scores into one.

    A sample with a label is named by it; if a report has several samples, the label precedes their
    names. If samples of one name were scored at different training steps, the step is added to the
    name.

    Args:
        paths: The files.
        labels: Files by the name for their samples; they need not be among `paths`.

    Raises:
        InputError: A file is not a report.
        UsageError: A file has two labels, or two samples would have one name.
        MismatchError: The scores cannot be compared; see `Report.merge`.
    """
    everything = list(dict.fromkeys([*paths, *labels.values()]))
    names = {path: name for name, path in labels.items()}
    if len(names) < len(labels):
        raise UsageError("one report has two labels", "a label for each", "leave one out")
    reports = [_labelled(Report.load(path), names.get(path)) for path in everything]
    steps: dict[str, set[Any]] = {}
    for report in reports:
        for sample, step in _steps(report).items():
            steps.setdefault(sample, set()).add(step)
    told_apart = {sample for sample, found in steps.items() if len(found) > 1}
    reports = [
        report.renamed(
            {
                sample: f"{sample} (step {step})"
                for sample, step in _steps(report).items()
                if sample in told_apart and step is not None
            }
        )
        for report in reports
    ]
    first, *others = zip(reports, everything, strict=True)
    return functools.reduce(
        lambda done, one: (
            done[0].merge(one[0], names=(f"in {done[1]}", f"in {one[1]}")),
            done[1],
        ),
        others,
        first,
    )[0]


def _labelled(report: Report, label: str | None) -> Report:
    """Return a report whose samples are named by a label."""
    if label is None:
        return report
    samples = list(dict.fromkeys(row.sample for row in report.scores))
    several = len(samples) > 1
    return report.renamed({name: f"{label}: {name}" if several else label for name in samples})


def _steps(report: Report) -> dict[str, int | None]:
    """Return the training step of each sample; None if the report does not say it."""
    sources: Mapping[str, Any] = report.provenance.get("sources", {})
    return {
        row.sample: sources.get(row.sample, {}).get("settings", {}).get("step")
        for row in report.scores
    }
