"""What is said when a baseline is accepted, beside what unchanged generators then do."""

import re
from collections.abc import Callable

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


def test_a_tolerance_that_is_wide_enough_needs_no_advice() -> None:
    baseline, _ = drawn(Kid(), 1)
    lines = forecast(baseline, limit("kid=500%"), 0.05)
    assert lines[0] == (
        "kid within 500%: an unchanged generator passes in about 100% of runs, and is inconclusive "
        "in nearly all others"
    )
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
        "fid within 10%: an unchanged generator cannot pass: 320 images are needed; kid decides in "
        "its place if it has a tolerance of its own, as here:"
    )
    assert tuple(kid) == forecast(baseline, limit("kid=10%"), 0.05)
    assert len(forecast(baseline, limit("fid=3"), 0.05)) == 1
    (line, *_) = forecast(baseline, limit("recall=10%"), 0.05)
    assert "an unchanged generator passes in about" in line
