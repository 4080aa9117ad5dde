"""What a person sees of each table in terminals of five widths.

The frames are golden files, `frames/CASE.txt`. After a change that moves them, write them again and
look at every one as a person would:

    GANEVAL_WRITE_FRAMES=1 .venv/bin/python -m pytest -n0 tests/results/test_frames.py
"""

import io
import os
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from ganeval.gate import output as gate_output
from ganeval.gate.decision import Evidence, decide, overall
from ganeval.gate.gate import Verdict
from ganeval.gate.limits import parse_limits
from ganeval.gate.older_rule import decide_as_before
from ganeval.report.formats import terminal
from ganeval.report.layout import Grid, lay_out, wrap
from ganeval.report.names import letter, shorten, shown, width_of
from ganeval.report.notes import listed
from ganeval.report.report import Report
from ganeval.report.table import pair_grid, score_grid
from ganeval.scores.power import Precision, Variances
from tests.results.reports import LONG, ODD, labelled_report, report_of
from tests.screen import frame, run_in_terminal

FRAMES = Path(__file__).parent / "frames"
WIDTHS = (60, 80, 100, 120, 200)
TWELVE = [f"runs/2026-11-{day:02}/generator-of-the-{day}th.safetensors" for day in range(1, 13)]
CASES: dict[str, Callable[[], Report]] = {
    "1-sample-1-score": lambda: report_of(LONG[1:2], 1),
    "1-sample-7-scores": lambda: report_of(LONG[1:2], 7),
    "1-sample-30-scores": lambda: report_of(LONG[1:2], 30),
    "3-samples-1-score": lambda: report_of(LONG, 1),
    "3-samples-7-scores": lambda: report_of(LONG, 7),
    "3-samples-30-scores": lambda: report_of(LONG, 30),
    "3-short-names": lambda: report_of(("a/", "b/", "c/"), 7),
    "12-samples-1-score": lambda: report_of(TWELVE, 1),
    "12-samples-7-scores": lambda: report_of(TWELVE, 7, paired=True),
    "12-samples-30-scores": lambda: report_of(TWELVE, 30),
    "odd-names": lambda: report_of(ODD, 8),
}


def printed(report: Report, width: int, **options: Any) -> list[str]:
    """The frame of a terminal in which a report was shown."""
    text = io.StringIO()
    console = Console(file=text, width=width, force_terminal=True, highlight=False)
    table = terminal(report.ranked, report.provenance, report.pairs, width=width, **options)
    console.print(table, soft_wrap=True)
    return frame(text.getvalue().replace("\n", "\r\n"), width)


def check_golden(name: str, frames: dict[int, list[str]]) -> None:
    """Compare the frames with the file of that name, or write it."""
    text = "".join(
        f"==== {width} columns ====\n" + "".join(f"{line}\n" for line in lines) + "\n"
        for width, lines in frames.items()
    )
    path = FRAMES / f"{name}.txt"
    if os.environ.get("GANEVAL_WRITE_FRAMES"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def check_whole(report: Report, lines: list[str]) -> None:
    """Nothing of the report is cut: each cell, title and name stands in the frame."""
    parts = Counter(part for line in lines for part in re.split(r" {2,}", line.strip()))
    grid = score_grid(report.ranked, report.provenance, report.pairs)
    wanted = Counter(cell for row in grid.cells for cell in row if cell)
    shown_pairs = listed(report.pairs)
    pairs = pair_grid(shown_pairs, dict.fromkeys(grid.names, ""), "error") if shown_pairs else None
    if pairs is not None:
        wanted += Counter(cell for row in pairs.cells for cell in row if cell)
    missing = wanted - parts
    assert not missing
    assert not set(grid.titles) - set(parts)
    text = "".join(lines)
    # The emulator composes what is one character to the eye, and drops the mark of no width.
    names = [unicodedata.normalize("NFC", shown(name).rstrip("\u200e")) for name in grid.names]
    for at, name in enumerate(names):
        assert name in text or f"{letter(at)}  {name}" in text
    for part in parts:
        head, ellipsis, tail = part.partition("\u2026")
        assert not ellipsis or any(
            name.startswith(head) and name.endswith(tail) and len(head) + len(tail) < len(name)
            for name in names
        )
    if pairs is not None:
        calls = [letter(at) for at in range(len(names))] if "A  " in "\n".join(lines) else names
        called = dict(zip(grid.names, calls, strict=True))
        for pair in shown_pairs:
            assert f"{called[pair.sample]} - {called[pair.other]}" in parts


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_cut_at_any_width(name: str) -> None:
    report = CASES[name]()
    frames = {width: printed(report, width) for width in WIDTHS}
    for lines in frames.values():
        check_whole(report, lines)
    check_golden(name, frames)


def test_scores_under_several_networks_and_options_are_told_apart() -> None:
    report = labelled_report(LONG)
    titles = [*report.scores[:6]]
    assert [row.label for row in titles] == [
        *("fid", "fid@efficientnet-lite0", "precision", "recall", "precision:k=5", "recall:k=5"),
    ]
    frames = {width: printed(report, width) for width in (60, 80, 110, 200)}
    for lines in frames.values():
        check_whole(report, lines)
    check_golden("labels", frames)


def test_all_digits_and_all_notes() -> None:
    report = report_of(LONG, 7)
    frames = {width: printed(report, width, digits="full", which="all") for width in WIDTHS}
    for lines in frames.values():
        text = "".join(lines)
        for row in report.scores:
            assert repr(row.value) in text
            assert all(note in re.sub(r" {2,}", " ", " ".join(lines)) for note in row.notes)
    check_golden("all-digits-and-notes", frames)


def gate_frames(verdict: Verdict) -> dict[int, list[str]]:
    """A person sees the whole answer of the gate: nothing is cut."""
    frames = {}
    for width in (60, 80, 110, 200):
        text = io.StringIO()
        console = Console(file=text, width=width, force_terminal=True, highlight=False)
        console.print(gate_output.terminal(verdict, width), soft_wrap=True)
        frames[width] = frame(text.getvalue().replace("\n", "\r\n"), width)
        parts = Counter(part for line in frames[width] for part in re.split(r" {2,}", line.strip()))
        for decision, limit in zip(verdict.decisions, verdict.limits, strict=True):
            assert not {cell for cell in gate_output.cells(decision, limit) if cell} - set(parts)
    return frames


def judged(name: str, before: float, difference: float, se: float | None, **more: Any) -> Evidence:
    """A change with an error, most of which comes from the run; a tenth is tolerated."""
    plain: dict[str, Any] = {"direction": "lower", "num_sample": 360, "margin": before / 10}
    variances = None if se is None else Variances(one=0.6 * se**2, other=0.4 * se**2)
    precision = variances and Precision(
        values=(before + difference, before), variances=variances, df=more.pop("df", None)
    )
    weight = 0.9 if more.get("direction") == "higher" else 1.1
    beyond = precision and replace(
        precision,
        values=(before + difference, weight * before),
        variances=replace(variances, other=weight**2 * variances.other),
    )
    notes = ("unpaired: samples drawn apart",)
    return Evidence(
        name=name,
        baseline=before,
        difference=difference,
        precision=precision,
        beyond=beyond,
        **{**plain, "notes": notes, **more},
    )


FEW = "nothing is decided: 360 and 360 images are too few to remove the bias"
ANSWERS: dict[str, tuple[list[Evidence], dict[str, Any]]] = {
    "gate": (
        [
            judged("kid", 0.0110006, 0.112588, 0.0026),
            judged("fid", 10.2547, -0.0123, None, untrusted=FEW, num_trusted=640),
            judged("recall", 0.589, 0.0, 0.0, direction="higher"),
            judged("precision", 0.6, 0.2, 0.02, direction="higher"),
            judged("coverage", 0.6, 0.05, 0.09, direction="higher"),
        ],
        {},
    ),
    "gate-inconclusive": (
        [
            judged(
                *("fid", 10.2547, 0.3, 0.9),
                excludes=False,
                deferred=True,
                stands_in="kid",
                num_trusted=640,
            ),
            judged("kid", 0.0110006, 0.0004, 0.0011),
        ],
        {"fail_on": "any"},
    ),
    "gate-of-runs": (
        [
            judged(
                *("fid", 10.2547, 0.9, 0.5),
                num_runs=(3, 4),
                df=4.3,
                notes=("3 and 4 training runs: error over runs by Welch's t",),
            )
        ],
        {"num_runs": (3, 4)},
    ),
    "gate-by-the-older-rule": ([judged("fid", 10.2547, 0.3, 0.2)], {"rule": 1}),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_the_gate_fits_too(name: str) -> None:
    evidence, options = ANSWERS[name]
    decisions = (
        decide_as_before(evidence, 0.05)
        if options.get("rule") == 1
        else decide(evidence, 0.05, options.get("fail_on", "tolerance"))
    )
    verdict = Verdict(
        run=report_of(LONG[:1], 7),
        baseline=report_of(LONG[:1], 7),
        decisions=decisions,
        limits=parse_limits(f"{one.name}=10%" for one in evidence),
        alpha=0.05,
        outcome=overall(decisions),
        **{"rule": 2, **options},
    )
    check_golden(name, gate_frames(verdict))


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=30)
CELLS = st.text("0123456789.\u00b1[]e-", min_size=1, max_size=26)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), width=st.integers(40, 200), lettered=st.booleans(), whole=st.booleans())
def test_any_table_fits_any_terminal(
    data: st.DataObject, width: int, lettered: bool, whole: bool
) -> None:
    names = data.draw(st.lists(WORDS, min_size=1, max_size=8, unique=True))
    titles = [f"title{at}" for at in range(data.draw(st.integers(1, 9)))]
    cells = [[data.draw(CELLS) for _ in titles] for _ in names]
    grid = Grid(corner="sample", names=names, titles=titles, cells=cells, whole=whole)
    laid = lay_out(grid, width, lettered=lettered and not whole)
    lines = [line.plain for line in laid.lines]
    if not (whole and max(map(width_of, map(shown, names))) > width):
        assert max(map(width_of, lines)) <= width
    parts = Counter(part for line in lines for part in re.split(r" {2,}", line.strip()))
    assert not Counter(cell for row in cells for cell in row) - parts
    assert set(titles) <= set(parts)
    assert whole <= (not laid.lettered)


@given(name=WORDS, width=st.integers(3, 20))
def test_a_short_name_has_both_ends_of_the_long_one(name: str, width: int) -> None:
    short = shorten(name, width)
    assert width_of(short) <= width or not short.strip()
    head, ellipsis, tail = short.partition("\u2026")
    if short != name:
        assert ellipsis
        assert name.startswith(head)
        assert name.endswith(tail)


def test_a_cell_as_wide_as_the_terminal_breaks_between_its_numbers() -> None:
    cell = "-0.0002216773719105829 [-0.0004568, 0.00001341]"
    grid = Grid(corner="sample", names=["fake/"], titles=["kid"], cells=[[cell]])
    lines = [line.plain for line in lay_out(grid, 30).lines]
    assert lines == ["fake/", "kid  -0.0002216773719105829", "  [-0.0004568, 0.00001341]"]


def test_prose_breaks_at_spaces_only() -> None:
    assert wrap("one two three", 8, "  ") == ["one two", "  three"]
    assert wrap("A  runs/a-long-name", 8, "  ") == ["A  runs/a-long-name"]
    assert wrap("one two three", None) == ["one two three"]
    assert wrap("\u751f\u6210 \u753b\u50cf", 8) == ["\u751f\u6210", "\u753b\u50cf"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_the_commands_fit_a_real_terminal(real: Path, fake: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    words = ("compare", real, fake, real, "--extractor", "random", "--rank", "kid", "-o", path)
    code, lines = run_in_terminal(*words, width=110, cwd=tmp_path)
    assert code == 0
    check_whole(Report.load(path), lines)
    code, lines = run_in_terminal("table", path, width=60, cwd=tmp_path)
    assert code == 0
    check_whole(Report.load(path), lines)
