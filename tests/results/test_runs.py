"""Several training runs a side: the error over runs, and its rates of error."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from ganeval.errors import UsageError
from ganeval.gate.baseline import accept, load_baseline
from ganeval.gate.decision import Evidence, decide
from ganeval.gate.forecast import forecast
from ganeval.gate.gate import check
from ganeval.gate.limits import parse_limits
from ganeval.gate.output import conditions
from ganeval.metrics.base import Metric
from ganeval.metrics.frechet import Fid
from ganeval.metrics.kernel import Kid
from ganeval.metrics.neighbours import PrecisionRecall
from ganeval.report.report import Report
from ganeval.scores.differences import Difference
from ganeval.scores.power import Variances
from ganeval.scores.runs import NO_SPREAD, RunValues, difference_of_runs
from tests.results.gate_runs import normal, report

WIDTH, NUM = 4, 200
REFERENCE = normal(NUM, WIDTH, 1)


def values(of: object) -> RunValues:
    found = tuple(float(one) for one in np.asarray(of))
    return RunValues(values=found, removed=(0.0,) * len(found))


def plain(reference: float = 0.0) -> Difference:
    """The difference of two first runs, to which the reference adds a variance."""
    return Difference(
        label="kid",
        sample="a",
        other="b",
        difference=0.0,
        variances=Variances(reference=reference),
        method="influence",
    )


@pytest.mark.parametrize(("num", "others"), [(3, 3), (2, 5), (8, 4)])
def test_two_groups_of_runs_are_compared_by_welchs_t(num: int, others: int) -> None:
    rng = np.random.default_rng(num)
    one, other = rng.normal(1, 2, num), rng.normal(0, 0.5, others)
    found = difference_of_runs(plain(), values(one), values(other))
    known = scipy.stats.ttest_ind(one, other, equal_var=False)
    assert found.difference == pytest.approx(one.mean() - other.mean())
    assert found.p_value == pytest.approx(known.pvalue)
    assert found.df == pytest.approx(known.df)
    assert found.interval == pytest.approx(known.confidence_interval(0.95))
    assert f"{num} and {others} training runs: error over runs by Welch's t" in found.notes


@pytest.mark.parametrize(("num", "others"), [(1, 3), (6, 1)])
def test_a_single_run_on_one_side_has_the_variance_of_the_other(num: int, others: int) -> None:
    rng = np.random.default_rng(num)
    one, other = rng.normal(1, 1, num), rng.normal(0, 1, others)
    found = difference_of_runs(plain(), values(one), values(other))
    known = scipy.stats.ttest_ind(one, other, equal_var=True)
    assert found.p_value == pytest.approx(known.pvalue)
    assert found.df == known.df
    assert found.interval == pytest.approx(known.confidence_interval(0.95))
    assert "a pooled t, since one side has a single run" in found.notes[-1]


def test_what_the_reference_adds_is_in_the_error_and_as_good_as_known() -> None:
    one, other = values([1.0, 2.0, 4.0]), values([0.0, 0.5, 0.1])
    alone, both = (difference_of_runs(plain(added), one, other) for added in (0.0, 2.0))
    assert alone.se is not None
    assert both.se == pytest.approx(math.sqrt(alone.se**2 + 2.0))
    # The t quantile is the mean of both, weighted by the variances (Cochran).
    assert alone.df is not None
    reach = np.average(scipy.stats.t.ppf(0.975, [alone.df, np.inf]), weights=[alone.se**2, 2.0])
    assert both.interval is not None
    assert both.interval[1] - both.difference == pytest.approx(reach * both.se)


@pytest.mark.parametrize(("num", "others"), [(1, 2), (1, 3), (2, 2), (3, 4)])
def test_runs_that_are_alike_by_luck_are_no_evidence(num: int, others: int) -> None:
    """The same recipe twice: the reference adds a tenth, or as much as the runs."""
    trials = 3000
    for share in (0.1, 1.0):
        rng = np.random.default_rng(num)
        added = share * (1 / num + 1 / others)
        found = [
            difference_of_runs(
                plain(added),
                values(rng.normal(rng.normal(0, math.sqrt(added)), 1, num)),
                values(rng.normal(0, 1, others)),
            ).p_value
            for _ in range(trials)
        ]
        alarms = sum(one is not None and one < 0.05 for one in found)
        # 6 % at most; Satterthwaite's degrees of freedom have 13 % for one and two runs.
        assert scipy.stats.binom.ppf(0.001, trials, 0.015) <= alarms
        assert alarms <= scipy.stats.binom.ppf(0.999, trials, 0.06)


def test_biases_that_were_removed_may_be_left_in_part() -> None:
    one = RunValues(values=(1.0, 2.0), removed=(3.0, 5.0))
    other = RunValues(values=(1.0, 3.0), removed=(1.0, 1.0))
    found = difference_of_runs(plain(), one, other)
    assert (found.bias_left, found.excludes) == (pytest.approx(0.05 * 3.0), True)
    rough = difference_of_runs(plain(), dataclasses.replace(one, rough=True), other)
    assert (rough.bias_left, rough.excludes) == (pytest.approx(0.5 * 3.0), False)


@pytest.mark.parametrize(("num", "others"), [(3, 3), (2, 6), (4, 1)])
def test_groups_of_runs_keep_alpha_where_one_checkpoint_does_not(num: int, others: int) -> None:
    """A recipe whose runs differ by twice what the images of one run tell."""
    rng, trials, margin = np.random.default_rng(num), 2000, 0.5
    between, within = 1.0, 0.5
    found = {"runs": 0, "one": 0}
    for _ in range(trials):
        # Worse by as much as is tolerated, so that failing is wrong.
        sides = [
            rng.normal(5.0 + worse, between, size) + rng.normal(0, within, size)
            for worse, size in ((margin, num), (0.0, others))
        ]
        over_runs = difference_of_runs(plain(), values(sides[0]), values(sides[1]))
        first = dataclasses.replace(
            over_runs,
            values=(sides[0][0], sides[1][0]),
            difference=sides[0][0] - sides[1][0],
            variances=Variances(one=within**2, other=within**2),
            df=None,
        )
        for name, one in (("runs", over_runs), ("one", first)):
            evidence = Evidence(
                name="kid",
                direction="lower",
                baseline=5.0,
                difference=one.difference,
                precision=one.precision,
                beyond=one.precision,  # of an amount
                num_sample=NUM,
                margin=margin,
            )
            found[name] += decide([evidence], 0.05)[0].outcome == "fail"
    assert 0 < found["runs"] <= scipy.stats.binom.ppf(0.999, trials, 0.05)
    assert found["one"] > 3 * scipy.stats.binom.ppf(0.999, trials, 0.05)


def trained(seed: int, metrics: tuple[Metric, ...] = (Fid(), Kid()), num: int = NUM) -> Report:
    """A training run of one recipe, which misses by a distance of its own."""
    miss = 1.0 + 0.2 * np.random.default_rng(seed).standard_normal()
    return report(normal(num, WIDTH, 100 + seed, distance=miss**2), REFERENCE, metrics)


def test_runs_are_checked_against_runs(tmp_path: Path) -> None:
    path = tmp_path / "base.json"
    base, runs = [trained(seed) for seed in (1, 2, 3)], [trained(seed) for seed in (4, 5, 6, 7)]
    lines = accept(base, path, parse_limits(["fid=10%"]))
    verdict = check(runs, load_baseline(path), parse_limits(["fid=10%,kid=10%"]), 0.05)
    assert verdict.num_runs == (4, 3)
    for decision in verdict.decisions:
        name = decision.evidence.name
        sides = [
            np.array([one[name].details.get("debiased", one[name].value) for one in group])
            for group in (runs, base)
        ]
        assert decision.evidence.difference == pytest.approx(sides[0].mean() - sides[1].mean())
        own = sum(side.var(ddof=1) / len(side) for side in sides)
        mine, others = (one.influence[one[name].key].reference for one in (runs[0], base[0]))
        assert mine is not None
        assert others is not None
        shared = (mine - others).var(ddof=1) / NUM
        assert decision.evidence.se == pytest.approx(math.sqrt(own + shared))
        assert decision.given_baseline is None
    text = "\n".join(conditions(verdict))
    assert "4 training runs (baseline 3); errors are over runs, not over images" in text
    assert "one checkpoint on each side" not in text
    # The forecast is of as many runs again.
    assert "fid within 10%: an unchanged generator passes in about" in "\n".join(lines)
    assert "training runs on both sides would let an unchanged recipe pass" in lines[-1]
    one = check(runs[0], load_baseline(path), parse_limits(["kid=10%"]), 0.05)
    assert one.num_runs == (1, 3)
    assert one.decisions[0].evidence.precision is not None
    assert one.decisions[0].evidence.precision.df == pytest.approx(2.0, rel=0.5)
    alone = tmp_path / "alone.json"
    accept(base[0], alone)
    single = check(runs[0], load_baseline(alone), parse_limits(["kid=10%"]), 0.05)
    assert (
        "one checkpoint on each side: these errors do not include how much another training"
        in "\n".join(conditions(single))
    )


def test_runs_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "base.json"
    accept(trained(1), path)
    baseline, limits = load_baseline(path), parse_limits(["kid=10%"])
    other = trained(3)
    other = dataclasses.replace(
        other, scores=tuple(dataclasses.replace(row, extractor="mine") for row in other.scores)
    )
    for runs, message in (
        ([trained(2), trained(2)], "runs 1 and 2 are the same images"),
        ([trained(2), trained(3), trained(2)], "runs 1 and 3 are the same images"),
        ([trained(2), trained(3, num=150)], "the runs differ: 150 and 200 images"),
        ([trained(2), other], "extractor is mine in run 2 and random in run 1"),
    ):
        for call in (
            lambda: check(runs, baseline, limits, 0.05),  # noqa: B023
            lambda: accept(runs, tmp_path / "new.json"),  # noqa: B023
        ):
            with pytest.raises(UsageError, match=message):
                call()
    assert not (tmp_path / "new.json").exists()


def test_scores_without_an_error_of_their_own_are_compared_over_runs(tmp_path: Path) -> None:
    """One that depends on the numbers, at equal ones; one whose bias is not known, never."""
    path, few = tmp_path / "base.json", (PrecisionRecall(), Fid())
    accept([trained(seed, few, num=7) for seed in (1, 2)], path)
    runs = [trained(seed, few, num=7) for seed in (3, 4)]
    precision, fid = check(
        runs, load_baseline(path), parse_limits(["precision=0.9,fid=50%"]), 0.05
    ).decisions
    assert precision.evidence.precision is not None
    assert fid.outcome == "inconclusive"
    assert "are too few to remove the bias" in fid.reason
    more = [trained(seed, few, num=8) for seed in (3, 4)]
    (precision,) = check(more, load_baseline(path), parse_limits(["precision=0.9"]), 0.05).decisions
    assert precision.outcome == "inconclusive"
    assert "8 and 7 images: can be compared at equal numbers only" in precision.reason


def test_a_forecast_of_runs_is_what_their_repeats_do(tmp_path: Path) -> None:
    """3000 recipes with 4 runs a side and a known spread pass as often as is said."""
    base = [trained(seed, (Kid(),)) for seed in (1, 2, 3, 4)]
    path = tmp_path / "base.json"
    accept(base, path)
    baseline = load_baseline(path)
    kid = np.array([one["kid"].value for one in base])
    margin = 3 * kid.std(ddof=1) / math.sqrt(2)
    (line, *_) = forecast(baseline, parse_limits([f"kid={margin}"])[0], 0.05)
    share = float(line.split("about ")[1].split("%")[0]) / 100
    rng = np.random.default_rng(0)
    draws = rng.normal(kid.mean(), kid.std(ddof=1), (2, 3000, 4))
    own = draws.var(axis=2, ddof=1).sum(axis=0) / 4
    means = draws.mean(axis=2)
    passed = means[0] - means[1] + scipy.stats.t.ppf(0.95, 6) * np.sqrt(own) < margin
    assert share == pytest.approx(passed.mean(), abs=0.03)


def test_runs_without_a_spread_decide_nothing(tmp_path: Path) -> None:
    # Far from all real images no run has any precision, and none tells how far others may be.
    runs = [
        report(normal(NUM, WIDTH, seed, distance=1e6), REFERENCE, [PrecisionRecall()])
        for seed in range(4)
    ]
    assert [run["precision"].value for run in runs] == [0.0] * 4
    limits = parse_limits(["precision=0.1"])
    (_, _, said, *_) = accept(runs[:2], tmp_path / "base.json", limits)
    assert "cannot pass" in said
    assert NO_SPREAD in said
    verdict = check(runs[2:], load_baseline(tmp_path / "base.json"), limits, 0.05)
    assert verdict.outcome == "inconclusive"
    assert NO_SPREAD in verdict.decisions[0].reason
    assert difference_of_runs(plain(), values([1, 1]), values([2, 2])).se is None
    assert difference_of_runs(plain(), values([1, 1]), values([2, 3])).se is not None
