"""What is said when a baseline is accepted, beside what unchanged generators then do."""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from ganeval.gate.forecast import forecast
from ganeval.gate.gate import check
from ganeval.gate.limits import Limit, parse_limits
from ganeval.metrics.base import Metric
from ganeval.metrics.frechet import Fid
from ganeval.metrics.kernel import Kid
from ganeval.metrics.neighbours import PrecisionRecall
from ganeval.report.report import Report
from ganeval.scores.power import Precision, Variances
from tests.results.gate_runs import accepted, normal, report

WIDTH, NUM, TRIALS = 4, 200, 150
TIGHT = {"fid": 35, "kid": 60}  # tolerances that an unchanged generator may or may not pass


def drawn(metric: Metric, seed: int, num: int = NUM) -> tuple[Report, Callable[[int], Report]]:
    """A baseline, and a way to draw runs of the same generator against its reference."""
    reference = normal(NUM, WIDTH, 1000 * seed)

    def run(number: int) -> Report:
        return report(normal(num, WIDTH, 1000 * seed + number, distance=1.0), reference, [metric])

    return accepted(run(1)), run


def limit(text: str) -> Limit:
    return parse_limits([text])[0]


def share_of(metric: Metric, text: str) -> float:
    """How many unchanged generators pass, each beside a baseline of its own."""
    passed = 0
    for trial in range(TRIALS):
        baseline, run = drawn(metric, trial)
        passed += check(run(2), baseline, [limit(text)], 0.05).outcome == "pass"
    return passed / TRIALS


@pytest.mark.parametrize("metric", [Fid(), Kid()], ids=["fid", "kid"])
def test_as_many_unchanged_generators_pass_as_is_said(metric: Metric) -> None:
    name = metric.kinds[0].name
    said, enough = [], []
    for seed in range(40):
        lines = forecast(drawn(metric, seed)[0], limit(f"{name}={TIGHT[name]}%"), 0.05)
        said.append(float(re.findall(r"passes in about (\d+)%", lines[0])[0]) / 100)
        enough.append(float(re.findall(rf"  {name}=([\d.]+)% would let it pass", lines[1])[0]))
    found = share_of(metric, f"{name}={TIGHT[name]}%")
    # The standard error of a share of 150 is 0.04 at most, and what is said varies too.
    assert found == pytest.approx(np.mean(said), abs=0.13)
    assert 0.15 < found < 0.85
    enough_for_all = share_of(metric, f"{name}={np.mean(enough)}%")
    assert stats.binom.ppf(0.001, TRIALS, 0.8) / TRIALS <= enough_for_all <= 0.92


def test_the_blocks_of_the_baseline_are_not_taken_for_those_of_the_run() -> None:
    num = 400
    run = report(normal(num, WIDTH, 2, distance=1.0), normal(num, WIDTH, 1), [PrecisionRecall()])
    se = run["recall"].se
    assert se is not None
    df = num / 20
    margin = 2 * np.sqrt(2) * se
    passing = stats.nct.sf(stats.t.ppf(0.95, df), df, 2)  # the run's lead is -margin, reversed
    (line, *_) = forecast(accepted(run), limit(f"recall={margin}"), 0.05)
    (said,) = re.findall(r"passes in about (\d+)%", line)
    assert int(said) / 100 == pytest.approx(passing, abs=0.006)


def test_a_tolerance_that_is_wide_enough_needs_no_advice() -> None:
    baseline, _ = drawn(Kid(), 1)
    lines = forecast(baseline, limit("kid=5000%"), 0.05)
    assert lines[0] == ("kid within 5000%: an unchanged generator passes in about 100% of runs")
    (luck,) = lines[1:]
    assert luck.startswith("  false alarms: at most 5% over all draws of the baseline, ")


def test_more_images_are_advised_and_a_tolerance_in_units_of_the_score() -> None:
    baseline, _ = drawn(Kid(), 1)
    lines = forecast(baseline, limit("kid=0.01"), 0.05)
    assert re.fullmatch(r"  kid=[\d.]+ would let it pass in 4 of 5 runs", lines[1])
    assert re.fullmatch(
        r"  about [\d,]+ images on both sides would let an unchanged generator pass in 4 of 5 runs",
        lines[2],
    )


def test_what_cannot_pass_says_why_and_who_decides() -> None:
    width = 64
    reference = normal(NUM, width, 1)
    baseline = accepted(
        report(normal(NUM, width, 2, distance=9.0), reference, [Fid(), Kid(), PrecisionRecall()])
    )
    fid, *kid = forecast(baseline, limit("fid=10%"), 0.05)
    assert fid == (
        "fid within 10%: an unchanged generator cannot pass: 320 images are needed; kid decides "
        "instead if it has a tolerance of its own, as here:"
    )
    assert tuple(kid) == forecast(baseline, limit("kid=10%"), 0.05)
    assert len(forecast(baseline, limit("fid=3"), 0.05)) == 1
    (line,) = forecast(baseline, limit("recall=10%"), 0.05)
    assert line == "recall within 10%: an unchanged generator cannot pass: 300 images are needed"


@pytest.mark.parametrize("df", [2, 8, 36, 72])
def test_a_change_far_beyond_its_error_is_seen(df: int) -> None:
    # The quantile function of scipy is nan at some of these, as at 38 errors and 72 freedoms.
    precision = Precision(values=(0.0, 0.0), variances=Variances(one=1.0), df=df)
    seen = [precision.passing(gap, 0.05) for gap in np.arange(0.0, 200.0, 0.25)]
    assert np.all(np.diff(seen) >= -1e-12)
    assert seen[-1] == pytest.approx(1)


def test_a_share_of_a_value_below_0_is_told_before_the_number_of_images() -> None:
    baseline, _ = drawn(Kid(), 1)
    row = replace(baseline.scores[0], value=-0.003, se=None, interval=None)
    below = Report((row,), baseline.provenance)
    assert forecast(below, limit("kid=20%"), 0.05) == (
        "kid within 20%: a share of the baseline's -0.003 cannot be a tolerance; give an amount",
    )
