"""The decision of the gate, a pure function: every answer, several scores, the numbers it names."""

import dataclasses
import math

import numpy as np
import pytest
import scipy.optimize
from scipy import stats

from ganeval.errors import UsageError
from ganeval.gate.decision import Evidence, Outcome, decide, overall
from ganeval.gate.limits import Limit, parse_limits
from ganeval.scores.multiplicity import format_p_value, holm_adjusted

FID = Evidence(
    name="fid",
    direction="lower",
    baseline=10.0,
    difference=0.0,
    se=0.1,
    num_sample=1000,
    margin=0.5,
    stands_in="kid",
)


def changed(**changes: object) -> Evidence:
    return dataclasses.replace(FID, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("difference", "se", "outcome"),
    [
        (0.0, 0.1, "pass"),
        (-3.0, 0.1, "pass"),
        (0.3, 0.1, "pass"),  # worse beyond chance, and shown to be within the tolerance
        (0.6, 0.1, "fail"),
        (0.4, 0.1, "inconclusive"),
        (0.0, 1.0, "inconclusive"),
        (0.6, 1.0, "inconclusive"),  # over the tolerance, which may be chance
        (0.0, 0.0, "pass"),
        (0.6, 0.0, "fail"),
    ],
)
@pytest.mark.parametrize("direction", ["lower", "higher"])
def test_the_rule(difference: float, se: float, outcome: str, direction: str) -> None:
    signed = difference if direction == "lower" else -difference
    (decision,) = decide([changed(difference=signed, se=se, direction=direction)], 0.05)
    assert decision.outcome == outcome


def test_the_bounds_are_those_of_a_one_sided_normal_test() -> None:
    z = stats.norm.ppf(0.9)
    for nudge, outcome in ((1e-9, "fail"), (-1e-9, "inconclusive")):
        (decision,) = decide([changed(difference=2.0, se=2.0 / z - nudge)], 0.1)
        assert decision.outcome == outcome
        assert decision.p_value == pytest.approx(0.1, abs=1e-6)
    for nudge, outcome in ((1e-9, "pass"), (-1e-9, "inconclusive")):
        (decision,) = decide([changed(difference=0.5 - z * 0.1 - nudge)], 0.1)
        assert decision.outcome == outcome


def test_the_detectable_effect_and_the_samples_that_would_decide() -> None:
    (decision,) = decide([changed(se=0.4)], 0.05)
    factor = stats.norm.ppf(0.95) + stats.norm.ppf(0.8)
    needed = 1000 * (factor * 0.4 / 0.5) ** 2
    assert decision.num_needed == math.ceil(needed / 100) * 100
    assert f"about {decision.num_needed:,} images would decide" in decision.reason


@pytest.mark.parametrize("bias_left", [0.0, 0.3])
@pytest.mark.parametrize("baseline", [10.0, 2.0, 0.3, 0.0, -1.0])
def test_the_detectable_effect_has_the_error_that_comes_with_it(
    baseline: float, bias_left: float
) -> None:
    (decision,) = decide([changed(se=0.4, baseline=baseline, bias_left=bias_left)], 0.05)
    factor = stats.norm.ppf(0.95) + stats.norm.ppf(0.8)

    def excess(effect: float) -> float:
        growth = min(effect / baseline, 1) if baseline > 0 else 1
        return float(effect - bias_left - factor * 0.4 * np.sqrt(1 + growth))

    assert decision.detectable == pytest.approx(scipy.optimize.brentq(excess, 0, 10))
    (upwards,) = decide(
        [changed(se=0.4, baseline=baseline, direction="higher", bias_left=bias_left)], 0.05
    )
    assert upwards.detectable == pytest.approx(factor * 0.4 + bias_left)


@pytest.mark.parametrize("direction", ["lower", "higher"])
def test_a_bias_that_may_be_left_counts_for_neither_answer(direction: str) -> None:
    z, sign = stats.norm.ppf(0.95), 1 if direction == "lower" else -1
    for edge, below, above in (
        (0.3 + z * 0.2, "inconclusive", "fail"),  # worse by more than chance and the bias
        (0.9 - 0.3 - z * 0.2, "pass", "inconclusive"),  # tolerated even with the bias on top
    ):
        for nudge, outcome in ((-1e-9, below), (1e-9, above)):
            margin = 0.9 if above == "inconclusive" else 0.1
            (decision,) = decide(
                [
                    changed(
                        difference=sign * (edge + nudge),
                        se=0.2,
                        bias_left=0.3,
                        margin=margin,
                        direction=direction,
                    )
                ],
                0.05,
            )
            assert decision.outcome == outcome
    needed = decide([changed(se=0.2, bias_left=0.3)], 0.05)[0].num_needed
    alone = decide([changed(se=0.2, margin=0.2)], 0.05)[0].num_needed
    assert needed == alone  # of the 0.5 that are tolerated, 0.2 are left for chance


def test_close_to_the_tolerance_the_distance_to_it_decides_how_many_are_needed() -> None:
    (near,) = decide([changed(difference=0.4)], 0.05)
    factor = stats.norm.ppf(0.95) + stats.norm.ppf(0.8)
    assert near.num_needed is not None
    assert 1 <= near.num_needed / (1000 * (factor * 0.1 / 0.1) ** 2) < 1.1
    (at_it,) = decide([changed(difference=0.5)], 0.05)
    assert at_it.outcome == "inconclusive"
    assert at_it.num_needed is None
    assert "more images would not decide soon" in at_it.reason


@pytest.mark.parametrize("difference", [-1.0, 0.0, 0.4])
def test_where_bias_may_be_left_as_large_as_the_tolerance_no_number_is_told(
    difference: float,
) -> None:
    (found,) = decide([changed(difference=difference, se=1.0, bias_left=0.5)], 0.05)
    assert found.outcome == "inconclusive"
    assert found.num_needed is None
    assert "up to 0.5 may be left of the bias that was removed" in found.reason
    assert "compare fid at equal numbers of images, or kid" in found.reason


def test_what_cannot_be_trusted_decides_nothing() -> None:
    (decision,) = decide([changed(difference=9.0, untrusted="too few", num_trusted=4096)], 0.05)
    assert (decision.outcome, decision.reason) == ("inconclusive", "too few")
    assert (decision.p_value, decision.detectable, decision.num_needed) == (None, None, 4096)
    (decision,) = decide([changed(difference=9.0, se=None)], 0.05)
    assert (decision.outcome, decision.reason) == ("inconclusive", "there is no standard error")
    (decision,) = decide([changed(difference=9.0, margin=None)], 0.05)
    assert decision.outcome == "inconclusive"
    assert "give an amount (--max-regress fid=AMOUNT)" in decision.reason


def test_holm_is_that_of_the_paper() -> None:
    # By hand: 4 x .01; 3 x .02; 2 x .022 lies below the one before it; 1 x .6.
    assert holm_adjusted([0.022, 0.01, None, 0.6, 0.02]) == pytest.approx(
        [0.06, 0.04, None, 0.6, 0.06], nan_ok=True
    )
    assert holm_adjusted([0.7, 0.8]) == [1.0, 1.0]
    assert holm_adjusted([]) == []


def test_guards_share_their_errors_and_the_primary_keeps_its_own() -> None:
    guard = changed(difference=0.6, se=0.6 / stats.norm.ppf(1 - 0.02), margin=0.1)  # p = .02
    harmless = changed(difference=-1.0, margin=10.0)
    for others, outcome in (((), "fail"), ((harmless,), "fail"), ((harmless,) * 2, "inconclusive")):
        primary, first, *_ = decide([FID, guard, *others], 0.05)
        assert primary.outcome == "pass"
        assert first.outcome == outcome
    assert decide([guard, harmless, harmless], 0.05)[0].outcome == "fail"


def test_the_gate_fails_with_any_and_passes_with_all() -> None:
    passed, failed, neither = decide([FID, changed(difference=9.0), changed(se=5.0)], 0.05)
    other = dataclasses.replace(neither, outcome=None)  # another score decides in its place
    assert overall([passed, other]) is Outcome.PASS
    assert overall([passed, neither]) is Outcome.INCONCLUSIVE
    assert overall([passed, neither, failed]) is Outcome.FAIL
    assert overall([other]) is Outcome.INCONCLUSIVE


def test_limits_are_read_in_order() -> None:
    assert parse_limits(["fid=2%, kid=0.001", "precision=1.5%"]) == (
        Limit(name="fid", amount=0.02, relative=True),
        Limit(name="kid", amount=0.001, relative=False),
        Limit(name="precision", amount=0.015, relative=True),
    )
    relative, absolute, _ = parse_limits(["fid=2%,kid=0.001,is=1%"])
    assert (relative.margin(50.0), absolute.margin(50.0)) == (1.0, 0.001)
    assert (relative.margin(0.0), relative.margin(-1.0), absolute.margin(-1.0)) == (
        None,
        None,
        0.001,
    )
    assert (str(relative), str(absolute)) == ("2%", "0.001")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fid", "NAME=AMOUNT"),
        ("fid=", "NAME=AMOUNT"),
        ("=2%", "NAME=AMOUNT"),
        ("fid=two", "NAME=AMOUNT"),
        ("fid=-1%", "above 0"),
        ("fid=nan", "above 0"),
        ("fid=inf%", "above 0"),
        ("fid=0", "with no tolerance at all"),
        ("fid=1%,fid=2", "names 'fid' twice"),
        ("", "names no score"),
    ],
)
def test_other_limits_are_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_limits([text])


def test_a_p_value_far_out_has_no_digits() -> None:
    shown = [format_p_value(value) for value in (0.0, 9.9e-5, 1e-4, 0.0312, 1.0)]
    assert shown == ["< 0.0001", "< 0.0001", "0.0001", "0.031", "1"]
