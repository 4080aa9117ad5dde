"""The results of a benchmark: tables for people and programs, reports, curves and samples."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reference_models.benchmark.pictures import curves_of, write_curves, write_samples
from reference_models.benchmark.scores import Comparison, cost_of, source_of
from reference_models.benchmark.suite import Suite
from reference_models.benchmark.work import Outcome
from reference_models.engine.files import RunFiles, refusals_explained
from reference_models.engine.whole import written_whole

SCHEMA = "ganeval.benchmark/1"
_LIST = ".ganeval-benchmark.json"
_TABLES = ("table.md", "table.csv", "table.json")
_COSTS = ("runs", "step", "images", "seconds")
ALONE = (
    "one training run of each model: errors and intervals are over images, and do not include how "
    "much another training would differ"
)
LEFT_OUT = "not in the table"


def open_files(folder: Path, suite: Suite) -> RunFiles:
    """Return the files of a benchmark's folder, without the trials; check that names are free.

    Raises:
        GanevalError: Another file has one of the names.
    """
    files = RunFiles(folder, resume=True, list_name=_LIST)
    files.check(*_TABLES, *(name for data in suite.data for name in _names(data)))
    return files


def _names(data: str) -> list[str]:
    """Return the names of the files of a data set."""
    reports = [f"{data}-{which}.{kind}" for which in ("last", "best") for kind in ("html", "json")]
    return [*reports, f"{data}-curves.png", f"{data}-samples.png"]


def table_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Return a row for each model, best first, with its group, cost, scores and intervals."""
    report = comparison.report
    groups, cards = report.groups, report.provenance["sources"]
    rows: dict[str, dict[str, Any]] = {}
    for score in report.ranked:
        if score.sample not in rows:
            rows[score.sample] = {
                "data": comparison.data,
                "checkpoint": comparison.which,
                "model": score.sample,
                "group": groups.get(score.sample),
                **{name: cards[score.sample]["training"].get(name) for name in _COSTS},
            }
        low, high = score.interval or (None, None)
        named = {"": score.value, "_se": score.se, "_low": low, "_high": high}
        rows[score.sample] |= {f"{score.label}{end}": value for end, value in named.items()}
    return list(rows.values())


def run_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Return a row for each trial, with its cost and scores."""
    report, which = comparison.report, comparison.which
    rows = []
    for model in dict.fromkeys(trial.model for trial in comparison.trials):
        own = [trial for trial in comparison.trials if trial.model == model]
        for at, trial in enumerate(own):
            if comparison.alone:
                scores = {row.label: row.value for row in report.scores if row.sample == model}
            else:
                by_label = report.provenance["runs"][model]
                scores = {label: one["values"][at] for label, one in by_label.items()}
            rows.append(
                {
                    "data": comparison.data,
                    "checkpoint": which,
                    "model": model,
                    "seed": trial.seed,
                    "source": source_of(trial, which),
                    **cost_of(trial, which),
                    **scores,
                }
            )
    return rows


def tables_as_json(
    suite: Suite,
    comparisons: Sequence[Comparison],
    failed: Sequence[Outcome],
    command: str,
    *,
    missing: Sequence[str] = (),
) -> str:
    """Return the tables as JSON: rows of models, rows of runs, failed and missing runs."""
    content = {
        "schema": SCHEMA,
        "suite": str(suite.path),
        "command": command,
        "seeds": list(suite.seeds),
        "table": [row for one in comparisons for row in table_rows(one)],
        "runs": [row for one in comparisons for row in run_rows(one)],
        "failed": [{"run": one.trial, "error": one.error} for one in failed],
        "missing": list(missing),
    }
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def tables_as_csv(comparisons: Sequence[Comparison]) -> str:
    """Return the rows of models as CSV with full precision."""
    rows = [row for one in comparisons for row in table_rows(one)]
    text = io.StringIO()
    names = list(dict.fromkeys(key for row in rows for key in row))
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def tables_as_markdown(
    suite: Suite,
    comparisons: Sequence[Comparison],
    failed: Sequence[Outcome],
    *,
    command: str,
    pictures: Mapping[str, Sequence[str]],
) -> str:
    """Return the tables as a Markdown page, with links to the pictures of each data set."""
    lines = [f"# {suite.path.stem}", "", f"`{command}`", ""]
    lines += [f"{said}  " for said in failure_lines(failed)]
    for one in comparisons:
        lines += ["", f"## {one.title[0].upper()}{one.title[1:]}", ""]
        lines += [f"{ALONE}  "] * one.alone
        lines += [one.report.to_markdown().rstrip("\n")]
        if one.which == "last":
            for name in pictures.get(one.data, ()):
                lines += ["", f"![{name}]({name})"]
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def failure_lines(failed: Sequence[Outcome]) -> list[str]:
    """Return a line for each trial that failed."""
    return [f"failed, {LEFT_OUT}: {one.trial}: {one.error}" for one in failed]


@refusals_explained()
def write_tables(
    suite: Suite,
    comparisons: Sequence[Comparison],
    failed: Sequence[Outcome],
    files: RunFiles,
    command: str,
) -> None:
    """Write the tables, a report of each comparison, the curves and the samples.

    Raises:
        GanevalError: Another file has one of the names, or the folder cannot be written to.
        OSError: The disk is full.
    """
    pictures: dict[str, list[str]] = {}
    for one in comparisons:
        for kind in ("json", "html"):
            one.report.save(files.claim(f"{one.data}-{one.which}.{kind}"))
        if one.which == "last":
            pictures[one.data] = _draw(suite, one, files)
    texts = {
        "table.md": tables_as_markdown(
            suite, comparisons, failed, command=command, pictures=pictures
        ),
        "table.csv": tables_as_csv(comparisons),
        "table.json": tables_as_json(suite, comparisons, failed, command),
    }
    for name, text in texts.items():
        with written_whole(files.claim(name)) as file:
            file.write(text.encode("utf-8", "backslashreplace"))


def _draw(suite: Suite, comparison: Comparison, files: RunFiles) -> list[str]:
    """Draw the curves, if there are any, and the samples of a data set; return the file names."""
    trials, data = comparison.trials, comparison.data
    names = []
    if curves := curves_of(trials):
        drawn = {name for runs in curves.values() for rows in runs for row in rows for name in row}
        scores = comparison.report.scores
        directions = {row.label: row.direction for row in scores if row.label in drawn}
        if directions:
            names.append(f"{data}-curves.png")
            num = f"{suite.scoring.eval_images:,} samples"
            write_curves(files.claim(names[0]), curves, directions, f"{data}: scores of {num}")
    names.append(f"{data}-samples.png")
    write_samples(
        files.claim(names[-1]),
        trials,
        [source_of(trial, "last") for trial in trials],
        reference=suite.data[data].reference,
        seed=suite.scoring.seed,
    )
    return names
