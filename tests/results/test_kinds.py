"""Comparison, gate and tables do what a score declares, not what its name suggests."""

import ast
import dataclasses
import re
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest

import ganeval
from ganeval.errors import MismatchError, UsageError
from ganeval.gate.gate import check
from ganeval.gate.limits import parse_limits
from ganeval.metrics.base import Metric
from ganeval.metrics.frechet import Fid
from ganeval.metrics.kernel import Kid
from ganeval.metrics.table import METRICS
from ganeval.report.comparisons import compared
from ganeval.report.report import Report
from ganeval.scores.differences import Measured, difference
from ganeval.scores.influence import Influence
from ganeval.scores.kind import ScoreKind, loss
from ganeval.scores.row import ScoreRow
from tests.results.gate_runs import accepted, normal, report
from tests.results.rows import KINDS, kind_of, row_of

PACKAGE = Path(ganeval.__file__).parent
CARD = {"reference": {"digest": "sha256:1"}}


@pytest.mark.parametrize("name", METRICS.names())
def test_every_metric_says_what_its_scores_mean(name: str) -> None:
    hints = get_type_hints(ScoreKind)
    for kind in METRICS.load(name).kinds:
        for field in dataclasses.fields(ScoreKind):
            assert field.default is dataclasses.MISSING, f"{field.name} could be forgotten"
        for what in ("direction", "bias", "error"):
            assert getattr(kind, what) in get_args(hints[what])
        for other in (kind.stands_in, kind.plotted_against):
            assert other is None or other in KINDS
        if kind.stands_in is not None:
            assert KINDS[kind.stands_in].bias == "none"


def test_scores_and_reports_know_no_score_by_its_name() -> None:
    names = {*KINDS, *METRICS.names()}
    found = set()
    for path in (
        path for room in ("scores", "report", "gate") for path in PACKAGE.glob(f"{room}/*.py")
    ):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docs = {
            node.body[0].value
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
                continue
            # In a sentence "is" is a word.
            words = {*re.findall(r"[a-z]+(?:-[a-z]+)*", node.value.lower())} - {"is"}
            if node not in docs and ((words & names) or node.value in names):
                found.add((path.name, node.value))
    # The gate's default, and the precision of the arithmetic.
    assert {text for name, text in found if name == "limits.py"} == {"fid=10%"}
    assert {name for name, text in found if "precision" in text} == {
        *("conditions.py", "identity.py", "report.py", "table.py"),
    }
    assert len(found) == 5
    page = (PACKAGE / "report" / "page.html").read_text(encoding="utf-8")
    assert not {*re.findall(r"[\w-]+", page.lower())} & (names - {"is"})


def measure(name: str, *, num: int, seed: int = 0, **fields: Any) -> Measured:
    """A score of `num` items with influences of a known spread."""
    declared = {key: fields.pop(key) for key in ("bias", "error", "stands_in") if key in fields}
    values = np.random.default_rng(seed).standard_normal(num)
    row = row_of(
        name,
        kind=kind_of(name, **declared),
        sample=f"{name} {seed}",
        **{"num_sample": num, "se": float(values.std(ddof=1) / num**0.5), **fields},
    )
    return Measured(row=row, influence=Influence(sample=values), others=CARD)


@pytest.mark.parametrize("error", ["influence", "u-statistic", "per-item"])
def test_errors_of_items_come_from_their_influences(error: str) -> None:
    one, other = (measure("toy", num=50, seed=seed, error=error) for seed in (1, 2))
    found = difference(one, other)
    assert found.method == "influence"
    assert one.influence is not None
    assert other.influence is not None
    variance = (one.influence.sample.var(ddof=1) + other.influence.sample.var(ddof=1)) / 50
    assert found.se == pytest.approx(variance**0.5)
    bare = dataclasses.replace(one, influence=None)
    assert "influence values are not stored" in difference(bare, other).notes[0]


@pytest.mark.parametrize("error", ["jackknife", "runs"])
def test_errors_of_whole_scores_add_up(error: str) -> None:
    one, other = (
        dataclasses.replace(measure("toy", num=50, seed=seed, error=error), influence=None)
        for seed in (1, 2)
    )
    found = difference(one, other)
    assert found.method == error
    assert found.se == pytest.approx(np.hypot(one.row.se or 0.0, other.row.se or 0.0))


def test_no_error_decides_nothing_and_names_who_would() -> None:
    one = measure("toy", num=50, error="none", se=None, stands_in="other")
    found = difference(one, one)
    assert (found.method, found.se) == ("none", None)
    assert found.notes == ("not both have a standard error; decide with other",)
    mine = dataclasses.replace(one, row=dataclasses.replace(one.row, network="mine"))
    assert difference(mine, mine).notes[0].endswith("decide with other@mine")


@pytest.mark.parametrize(
    ("bias", "details", "unequal"),
    [
        ("none", {}, "influence"),
        ("removed", {"biased": 2.0}, "debiased"),
        ("removed", {}, "none"),
        ("removable", {}, "none"),
        ("removable", {"debiased": 0.5}, "debiased"),
        ("removable", {"roughly_debiased": 0.5}, "debiased"),
        ("depends-on-numbers", {}, "none"),
        ("depends-on-numbers", {"debiased": 0.5}, "none"),
    ],
)
def test_biased_scores_of_unequal_numbers_are_compared_as_they_declare(
    bias: str, details: dict[str, float], unequal: str
) -> None:
    one, other = (measure("toy", num=num, bias=bias, details=details) for num in (50, 60))
    assert difference(one, other).method == unequal
    equal = difference(one, one, paired=False).method
    assert equal == ("equal-numbers" if bias == "depends-on-numbers" else equal)
    assert difference(one, other).excludes == ("roughly_debiased" not in details)
    # The older rule compares equal numbers as they are, and knows no rough answers.
    older = difference(one, one, as_they_are=True).method
    if bias in ("removable", "depends-on-numbers"):
        assert older == "equal-numbers"
    if "roughly_debiased" in details:
        assert difference(one, other, as_they_are=True).method == "none"
        few = dataclasses.replace(one, row=dataclasses.replace(one.row, se=None, details={}))
        assert difference(few, few, as_they_are=True).method == "none"


def test_a_bias_that_only_one_of_two_versions_can_remove_is_in_no_difference() -> None:
    """An older version says of a score that it depends on the numbers; this one removes it."""
    new = measure("toy", num=50, bias="removable", details={"debiased": 0.5})
    old = measure("toy", num=50, bias="depends-on-numbers")
    for pair in ((new, old), (old, new)):
        assert difference(*pair).method == "none"
        assert difference(*pair, as_they_are=True).method == "equal-numbers"


def test_what_may_be_left_of_a_removed_bias_is_allowed_for() -> None:
    one = measure("toy", num=50, bias="removed", value=1.0, details={"biased": 4.0})
    other = measure("toy", num=60, bias="removed", value=1.0, details={"biased": 2.0})
    found = difference(one, other)
    assert found.bias_left == pytest.approx(0.05 * 2.0)
    assert found.p_value == 1.0


def renamed(made: Report, name: str) -> Report:
    """The report of a score under another name, which nobody has seen before."""
    rows = tuple(
        dataclasses.replace(row, metric=name, kind=dataclasses.replace(row.kind, name=name))
        for row in made.scores
    )
    influence = {key._replace(label=name): one for key, one in made.influence.items()}
    return dataclasses.replace(made, scores=rows, influence=influence)


@pytest.mark.parametrize("metric", [Fid(), Kid()], ids=["fid", "kid"])
def test_a_score_under_a_new_name_is_compared_like_the_old_one(metric: Metric) -> None:
    reference = normal(220, 4, 0)
    made = [report(normal(num, 4, num, distance=1.0), reference, [metric]) for num in (200, 250)]
    name = metric.kinds[0].name
    made[1] = accepted(made[1])
    known = check(made[0], made[1], parse_limits([f"{name}=5%"]), 0.05)
    again = check(*(renamed(one, "sfid") for one in made), parse_limits(["sfid=5%"]), 0.05)
    evidence, other = (
        dataclasses.replace(one.decisions[0].evidence, name="x") for one in (known, again)
    )
    assert evidence == other
    assert known.outcome == again.outcome


def test_equal_rows_at_other_numbers_are_not_called_different() -> None:
    """The trap of design: a new biased score whose bias alone differs by 2.0 with p = 1e-273."""
    for bias in ("removable", "depends-on-numbers"):
        few = measure("sfid", num=5_000, value=12.0, se=0.05, bias=bias)
        many = measure("sfid", num=10_000, value=10.0, se=0.04, bias=bias)
        found = difference(few, many)
        assert (found.p_value, found.interval, found.method) == (None, None, "none")


def test_scores_of_one_name_that_mean_other_things_are_refused() -> None:
    one, other = (measure("toy", num=50, bias=bias) for bias in ("none", "removable"))
    with pytest.raises(MismatchError, match="bias of toy is none for toy 0 and in the value for"):
        difference(one, other)


def of_values(direction: str, *values: float) -> tuple[ScoreRow, ...]:
    return tuple(
        row_of("toy", kind=kind_of("toy", direction=direction), sample=f"{value:g}", value=value)
        for value in values
    )


@pytest.mark.parametrize(
    ("direction", "order", "best"),
    [
        ("lower", ["-3", "1", "2"], "-3"),
        ("higher", ["2", "1", "-3"], "2"),
        ("zero", ["1", "2", "-3"], "1"),
        ("none", ["2", "-3", "1"], None),
    ],
)
def test_samples_are_ordered_as_the_direction_says(
    direction: Any, order: list[str], best: str | None, tmp_path: Path
) -> None:
    made = compared(Report(of_values(direction, 2.0, -3.0, 1.0), {"precision": "float32"}))
    assert [row.sample for row in made.ranked] == order
    made.save(tmp_path / "run.md")
    bold = re.findall(r"\| (\S+) +\|[^*\n]*\*\*", (tmp_path / "run.md").read_text("utf-8"))
    assert bold == ([] if best is None else [best])
    made.save(tmp_path / "run.tex")
    assert (tmp_path / "run.tex").read_text("utf-8").isascii()
    made.save_plots(tmp_path / "plots")
    assert loss(direction, -3.0) == {"lower": -3.0, "higher": 3.0, "zero": 3.0}.get(direction)


def gated(direction: str, before: float, after: float, limit: str, se: float = 0.01) -> Any:
    """The gate's decision on two scores with errors by the jackknife."""
    runs = []
    for value in (after, before):
        kind = kind_of("toy", direction=direction, error="jackknife")
        row = row_of("toy", kind=kind, value=value, se=se)
        runs.append(Report((row,), {"precision": "float32", "sources": {"real": CARD}}))
    (decision,) = check(runs[0], accepted(runs[1]), parse_limits([limit]), 0.05).decisions
    return decision


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        (1.0, 0.2, "pass"),
        (-1.0, -0.2, "pass"),
        (0.2, 1.0, "fail"),
        (-0.2, -1.0, "fail"),
        (-1.0, 0.2, "pass"),
        (-0.2, 1.0, "fail"),
        (0.5, -0.5, "pass"),
    ],
)
def test_the_gate_looks_at_the_distance_from_zero(
    before: float, after: float, outcome: str
) -> None:
    decision = gated("zero", before, after, "toy=0.1")
    assert decision.outcome == outcome
    assert decision.evidence.difference == pytest.approx(abs(after) - abs(before))
    # Errors of values on both sides of 0 are worth no more together than their sum.
    se = np.hypot(0.01, 0.01) if before * after > 0 else 0.02
    assert decision.evidence.se == pytest.approx(se)


def test_a_score_of_which_no_value_is_better_is_no_gate() -> None:
    with pytest.raises(UsageError, match="names toy, which cannot become better or worse"):
        gated("none", 1.0, 1.0, "toy=0.1")
