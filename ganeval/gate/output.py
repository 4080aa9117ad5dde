"""The gate's answer: for a terminal, as Markdown, as JUnit XML, as JSON."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganeval.errors import UsageError, one_line
from ganeval.gate.decision import Decision, Outcome
from ganeval.gate.gate import Verdict
from ganeval.gate.limits import Limit
from ganeval.report.digits import ERROR_DIGITS, significant, write_numbers
from ganeval.report.layout import Grid, lay_out, wrap
from ganeval.report.output import check_output, write_output
from ganeval.report.table import ARROWS, caption
from ganeval.scores.conditions import arithmetic
from ganeval.scores.multiplicity import format_p_value
from ganeval.scores.row import ScoreRow

if TYPE_CHECKING:
    from rich.console import Group

SCHEMA = "ganeval.gate/1"
COLUMNS = ("score", "baseline", "run", "change", "tolerated", "detectable", "p", "answer")
_XML = '<?xml version="1.0" encoding="UTF-8"?>'
_COLOURS = {Outcome.PASS: "green", Outcome.FAIL: "red", Outcome.INCONCLUSIVE: "yellow"}


def cells(decision: Decision, limit: Limit) -> tuple[str, ...]:
    """Return a line of the table, one text for each of `COLUMNS`."""
    evidence = decision.evidence
    run = evidence.baseline + evidence.difference
    # The change comes first, since its error decides the digits of all three.
    change, before, after, error = write_numbers(
        (evidence.difference, evidence.baseline, run, evidence.se or 0.0), evidence.se or 0.0
    )
    if not change.startswith("-"):
        change = f"+{change}"
    if evidence.se:
        change += f" \u00b1 {error}"
    elif evidence.se is None:
        before, after = significant(evidence.baseline), significant(run)
    if evidence.baseline > 0:
        change += f" ({evidence.difference / evidence.baseline:+.1%})"
    tolerated = str(limit) if evidence.margin is None else significant(evidence.margin)
    if limit.relative and evidence.margin is not None:
        tolerated += f" ({limit})"
    return (
        f"{evidence.name} {ARROWS[evidence.direction]}".strip(),
        before,
        after,
        change,
        tolerated,
        "" if decision.detectable is None else significant(decision.detectable, count=ERROR_DIGITS),
        "" if decision.p_value is None else format_p_value(decision.p_value),
        "" if decision.outcome is None else decision.outcome.upper(),
    )


def headline(verdict: Verdict) -> str:
    """Return the answer in one line."""
    text = {
        Outcome.PASS: "gate passed: no score is worse by more than is tolerated",
        Outcome.FAIL: "gate failed: worse than the baseline by more than is tolerated"
        if verdict.fail_on == "tolerance"
        else "gate failed: worse than the baseline",
        Outcome.INCONCLUSIVE: "gate inconclusive: not shown whether it is worse by more than is "
        "tolerated"
        if verdict.fail_on == "tolerance"
        else "gate inconclusive: shown neither to be worse nor to be within what is tolerated",
    }[verdict.outcome]
    if verdict.counted is verdict.outcome:
        return text
    return f"{text}; counted as {verdict.counted}"


def explanations(verdict: Verdict) -> tuple[str, ...]:
    """Return a line for each score: the reason for its answer, and how its error was found."""
    return tuple(
        one_line("; ".join([f"{line.evidence.name}: {line.reason}", *line.evidence.notes]))
        for line in verdict.decisions
    )


def _lines(verdict: Verdict) -> list[tuple[str, ...]]:
    """Return the lines of the table."""
    return [
        cells(decision, limit)
        for decision, limit in zip(verdict.decisions, verdict.limits, strict=True)
    ]


def conditions(verdict: Verdict) -> tuple[str, ...]:
    """Return the lines about the conditions of both runs and about the tests."""
    rows = [verdict.run[decision.evidence.name] for decision in verdict.decisions]
    accepted = [verdict.baseline[decision.evidence.name] for decision in verdict.decisions]
    (sample,) = {row.sample for row in rows}
    counts = sorted({row.num_sample for row in accepted})
    others, each = verdict.num_runs[0] - 1, " each" if verdict.num_runs[0] > 1 else ""
    more = f" and {others} more" if others else ""
    return (
        *caption(rows, verdict.run.provenance),
        f"sample {one_line(sample)}{more} ({rows[0].num_sample:,} {rows[0].noun}{each}; "
        f"baseline {', '.join(f'{count:,}' for count in counts)})",
        *_promise(verdict),
        *_other_machine((verdict.run.provenance, rows), (verdict.baseline.provenance, accepted)),
        *_unsaid(verdict),
    )


def _promise(verdict: Verdict) -> tuple[str, ...]:
    """Say what the answer promises, and about what: a checkpoint or training runs."""
    if verdict.rule == 1:
        return (
            "the baseline was accepted by an older version, whose rule decides; accept a run "
            "again to use the rule of this version",
            f"one-sided tests, alpha {verdict.alpha:g}",
        )
    more, most = "worse by more than is tolerated", f"{100 * verdict.alpha:.3g} %"
    worse, too, null = (
        (more, "", "where the true one is just tolerated")
        if verdict.fail_on == "tolerance"
        else ("worse", f" {more}", "where there is none")
    )
    lines = [
        f"if no score is truly {worse}, at most {most} of runs fail; if one is{too}, at most "
        f"{most} pass"
    ]
    if any(one.p_value is not None for one in verdict.decisions):
        lines.append(
            f"p: the chance of seeing so large a loss {null}; detectable: a true loss that fails "
            "in 4 of 5 runs"
        )
    given = [one.given_baseline for one in verdict.decisions if one.given_baseline is not None]
    if given and max(given) > verdict.alpha:
        lines.append(
            f"the {most} that fail are over all draws of the baseline; if this one is among the "
            f"luckiest tenth, up to {100 * max(given):.2g} % do"
        )
    if verdict.num_runs == (1, 1):
        lines.append(
            "one checkpoint on each side: these errors do not include how much another training "
            "of the same code would differ (give several runs: ganeval check RUN.json...)"
        )
    else:
        runs, accepted = verdict.num_runs
        lines.append(
            f"{runs} training runs (baseline {accepted}); errors are over runs, not over images"
        )
    return tuple(lines)


def _other_machine(
    run: tuple[Mapping[str, Any], list[ScoreRow]],
    baseline: tuple[Mapping[str, Any], list[ScoreRow]],
) -> tuple[str, ...]:
    """Say what else differs, if it can change only the last digits of the numbers."""
    here, there = (
        {
            **arithmetic(made, rows),
            "ganeval": made.get("ganeval"),
            **made.get("libraries", {}),
        }
        for made, rows in (run, baseline)
    )
    differing = [
        f"{name} {there[name]} (here {here[name]})"
        for name in here
        if there.get(name) is not None and here[name] != there[name]
    ]
    return (f"baseline made with {one_line(', '.join(differing))}",) if differing else ()


def _unsaid(verdict: Verdict) -> tuple[str, ...]:
    """Say what was not compared."""
    if not verdict.unsaid:
        return ()
    return (f"not compared, since only one of the two states it: {', '.join(verdict.unsaid)}",)


def terminal(verdict: Verdict, width: int | None = None) -> "Group":
    """Return the answer for a terminal of this width, to be printed with `soft_wrap=True`."""
    from rich.console import Group
    from rich.text import Text

    lines = _lines(verdict)
    grid = Grid(
        corner=COLUMNS[0],
        names=[line[0] for line in lines],
        titles=COLUMNS[1:],
        cells=[line[1:] for line in lines],
        styles={
            (at, len(COLUMNS) - 2): _COLOURS[decision.outcome]
            for at, decision in enumerate(verdict.decisions)
            if decision.outcome
        },
        whole=True,
    )

    def prose(texts: tuple[str, ...], style: str) -> list[Text]:
        return [Text(part, style) for text in texts for part in wrap(text, width, "  ")]

    return Group(
        *prose(conditions(verdict), "dim"),
        Text(),
        *lay_out(grid, width).lines,
        Text(),
        *prose(explanations(verdict), "dim"),
        *prose((headline(verdict),), f"bold {_COLOURS[verdict.outcome]}"),
    )


def plain(verdict: Verdict) -> str:
    """Return what `terminal` shows, as text without colours."""
    import io

    from rich.console import Console

    text = io.StringIO()
    Console(file=text, color_system=None).print(terminal(verdict), soft_wrap=True)
    return text.getvalue()


def markdown(verdict: Verdict) -> str:
    """Return the answer as Markdown, for the step summary of a CI job."""
    mark = {Outcome.PASS: "\u2705", Outcome.FAIL: "\u274c", Outcome.INCONCLUSIVE: "\u2753"}
    rows = [COLUMNS, ("---",) * len(COLUMNS), *_lines(verdict)]
    return "\n".join(
        [
            f"### {mark[verdict.outcome]} ganeval: {headline(verdict)}",
            "",
            *("| " + " | ".join(map(_cell, row)) + " |" for row in rows),
            "",
            *(f"* {_cell(line)}" for line in explanations(verdict)),
            "",
            *(f"{_cell(line)}  " for line in conditions(verdict)),
            "",
        ]
    )


def _cell(text: str) -> str:
    """Return a text with the characters escaped that Markdown would take for markup."""
    for char in "\\|*_<`[":
        text = text.replace(char, f"\\{char}")
    return text


def to_json(verdict: Verdict) -> str:
    """Return the answer as JSON of the schema `ganeval.gate/1`."""
    content = {
        "schema": SCHEMA,
        "outcome": verdict.outcome.value,
        "counted_as": verdict.counted.value,
        "alpha": verdict.alpha,
        "fail_on": verdict.fail_on,
        "rule": verdict.rule,
        "num_runs": {"run": verdict.num_runs[0], "baseline": verdict.num_runs[1]},
        "scores": [
            _entry(decision, limit)
            for decision, limit in zip(verdict.decisions, verdict.limits, strict=True)
        ],
        "conditions": list(conditions(verdict)),
    }
    return json.dumps(content, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _entry(decision: Decision, limit: Limit) -> dict[str, Any]:
    """Return a score's answer as JSON values."""
    evidence = decision.evidence
    return {
        "name": evidence.name,
        "outcome": None if decision.outcome is None else decision.outcome.value,
        "direction": evidence.direction,
        "baseline": evidence.baseline,
        "difference": evidence.difference,
        "se": evidence.se,
        "bias_left": evidence.bias_left,
        "margin": evidence.margin,
        "max_regress": str(limit),
        "p_value": decision.p_value,
        "detectable": decision.detectable,
        "num_sample": evidence.num_sample,
        "num_needed": decision.num_needed,
        "given_baseline": decision.given_baseline,
        "reason": decision.reason,
        "notes": list(evidence.notes),
    }


def junit(verdict: Verdict) -> str:
    """Return the answer as JUnit XML: a test case for each score.

    An inconclusive score is an error; it is skipped if it counts as passed, and a failure if it
    counts as failed. A score for which another one decides is skipped. Elements and attributes are
    those that Jenkins and GitLab read.
    """
    tags = [_tag(verdict, decision) for decision in verdict.decisions]
    counts = {
        "tests": str(len(tags)),
        "failures": str(tags.count("failure")),
        "errors": str(tags.count("error")),
    }
    root = ET.Element("testsuites", {"name": "ganeval check", **counts})
    skipped = {"skipped": str(tags.count("skipped"))}
    suite = ET.SubElement(root, "testsuite", {"name": "ganeval check", **counts, **skipped})
    for decision, tag, line, texts in zip(
        verdict.decisions, tags, explanations(verdict), _lines(verdict), strict=True
    ):
        attributes = {"classname": "ganeval.check", "name": decision.evidence.name}
        case = ET.SubElement(suite, "testcase", attributes)
        body = "\n".join(f"{column}: {text}" for column, text in zip(COLUMNS, texts, strict=True))
        if tag in ("failure", "error"):
            attributes = {"type": str(decision.outcome), "message": line}
            ET.SubElement(case, tag, attributes).text = body
        else:
            if tag == "skipped":
                ET.SubElement(case, "skipped")  # some schemas allow it no attribute
            ET.SubElement(case, "system-out").text = f"{line}\n{body}"
    ET.indent(root)
    return f"{_XML}\n{ET.tostring(root, encoding='unicode')}\n"


def _tag(verdict: Verdict, decision: Decision) -> str | None:
    """Return the element that marks a test case as not passed; None if it passed."""
    if decision.outcome is None:
        return "skipped"
    if decision.outcome is Outcome.INCONCLUSIVE and verdict.counted is Outcome.PASS:
        return "skipped"
    counted = verdict.count(decision.outcome)
    return {Outcome.PASS: None, Outcome.FAIL: "failure", Outcome.INCONCLUSIVE: "error"}[counted]


WRITERS: Mapping[str, Callable[[Verdict], str]] = {
    ".json": to_json,
    ".md": markdown,
    ".xml": junit,
}
"""By the suffix of the file."""


def save(verdict: Verdict, path: Path) -> None:
    """Write the answer; the suffix chooses JUnit XML, JSON or Markdown.

    Raises:
        UsageError: The suffix is not known, or the file cannot be written.
        ResourceError: The disk is full; an older file of that name is still there.
    """
    check_output(path, tuple(WRITERS))
    write_output({path: WRITERS[path.suffix.lower()](verdict).encode("utf-8", "backslashreplace")})


def append_summary(verdict: Verdict, path: Path) -> None:
    """Add the answer to the step summary of a GitHub job.

    Raises:
        UsageError: The file cannot be written.
    """
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(markdown(verdict))
    except OSError as error:
        raise UsageError(
            f"{path}: the step summary cannot be written ({error.strerror})",
            "a file that can be appended to",
            "correct or remove the variable GITHUB_STEP_SUMMARY",
        ) from error
