"""What stands beside the numbers of a comparison."""

import io
import itertools
import re
from dataclasses import replace
from pathlib import Path

import rich.console

from ganeval.report.formats import terminal
from ganeval.report.notes import about_detectable, about_pairs, listed, notes
from ganeval.scores.differences import Difference
from tests.results.reports import ODD, report_of

CALLS = {"a": "A", "b": "B", "c": "C"}


def pair(sample: str, other: str, *, label: str = "kid", paired: bool, se: float | None = 1.0):
    return Difference(
        label=label,
        sample=sample,
        other=other,
        roles={},
        difference=1.0,
        values=(2.0, 1.0),
        se=se,
        method="influence" if se else "none",
        grows=False,
        paired=paired,
    )


def test_pairs_of_one_draw_are_named_unless_all_are() -> None:
    said = "item i of both comes from the same latents"
    twins, strangers = pair("a", "b", paired=True), pair("a", "c", paired=False)
    assert notes((), [twins, strangers], CALLS) == [f"paired (A - B): {said}"]
    other = pair("b", "c", paired=True)
    assert notes((), [twins, strangers, other], CALLS) == [f"paired (A - B, B - C): {said}"]
    assert notes((), [twins, other], CALLS) == [f"paired: {said}"]
    assert notes((), [strangers], CALLS) == []


def test_a_pair_is_named_once_and_a_difference_without_error_is_none() -> None:
    said = "item i of both comes from the same latents"
    twins = [pair("a", "b", label=label, paired=True) for label in ("kid", "is")]
    unknown = pair("a", "c", label="fid", paired=False, se=None)
    assert notes((), [*twins, unknown], CALLS) == [f"paired: {said}"]
    stranger = pair("a", "c", paired=False)
    assert notes((), [*twins, unknown, stranger], CALLS) == [f"paired (A - B): {said}"]


def test_detectable_says_that_training_again_is_not_in_it_unless_all_errors_are_over_runs() -> None:
    plain = pair("a", "b", paired=False)
    assert about_detectable([plain]) == []  # shown nowhere, so explained nowhere
    images = replace(plain, detectable=0.1)
    runs = replace(images, method="runs")
    (short,) = about_detectable([runs, plain])
    assert short.startswith("detectable: ")
    for pairs in ([images], [runs, images]):
        assert about_detectable(pairs) == [
            f"{short}; another training is not in the errors (--runs)"
        ]


def test_counts_among_the_details_have_no_decimals() -> None:
    row = replace(report_of(ODD, 1).scores[0], details={"runs": 3.0, "biased": 0.25}, notes=())
    assert notes([row], (), {}) == [f"{row.label}: runs 3", f"{row.label}: biased 0.2500"]


def test_of_many_samples_the_differences_from_the_best_are_shown_and_the_rest_counted() -> None:
    samples = [f"s{number:02}" for number in range(11)]
    pairs = [pair(*two, paired=False) for two in itertools.combinations(samples, 2)]
    assert [(one.sample, one.other) for one in listed(pairs)] == [
        ("s00", other) for other in samples[1:]
    ]
    assert about_pairs(pairs) == ["45 more differences: -o report.html, or --json"]
    ten = [one for one in pairs if one.other != "s10"]
    assert listed(ten) == ten
    assert about_pairs(ten) == []


def test_tables_of_many_samples_have_the_differences_from_the_best_alone(
    tmp_path: Path,
) -> None:
    report = report_of([f"s{number:02}" for number in range(11)], 1)
    assert len(report.pairs) == 55
    report.save(tmp_path / "table.tex")
    console = rich.console.Console(width=110, file=io.StringIO())
    console.print(terminal(report.ranked, report.provenance, report.pairs, width=110))
    on_screen = console.file.getvalue()
    for text in (report.to_markdown(), (tmp_path / "table.tex").read_text(), on_screen):
        found = re.findall(r"(s\d\d) - s\d\d", text)
        assert found == [report.ranked[0].sample] * 10
        assert "45 more differences" in text
