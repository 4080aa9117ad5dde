"""The decision of the gate: whether scores are shown to be worse, to be no worse, or neither.

A score fails if it is worse by more than is tolerated, beyond chance. It passes if such a
regression is excluded (non-inferiority). Otherwise nothing is shown, and the answer says how many
images would let an unchanged generator pass.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Literal

from ganeval.scores.multiplicity import format_p_value, holm_adjusted
from ganeval.scores.power import POWER, Precision, Variances, quantile, tail

FailOn = Literal["tolerance", "any"]
"""Which regressions fail if they are beyond chance: those above the tolerated one, or any."""

_MOST = 10**9  # images; a larger number helps nobody
_MOST_RUNS = 1000
_RATHER_BOTH = 4  # if the run needs this many times more images, advise more on both sides


class Outcome(StrEnum):
    """The answer of the gate."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of the change of one score.

    Attributes:
        name: Name of the score, with its network and options.
        direction: Which way is better; if "zero", `baseline` and `difference` refer to the
            distances of the values from 0.
        baseline: The accepted value.
        difference: Value of the run minus `baseline`.
        precision: How exactly it is known; None if there is no honest error.
        beyond: How exactly it is known by how much the run exceeds the tolerance. If the tolerance
            is a share of the baseline's value, the error of that value counts too. None if
            `precision` is.
        excludes: Whether the data can exclude a change that they do not show; see `Difference`.
        deferred: Whether another score decides if the run passes; this score may still fail it.
        num_sample: Items of the run's sample.
        noun: Plural noun of the items, such as "images".
        num_others: Items of the baseline's sample and of the reference; None for the same number,
            or if the score has none.
        num_runs: Number of training runs on each side; with several, the error is the one over
            runs.
        margin: The tolerated regression, above 0; None if it means nothing at this baseline.
        untrusted: Why the difference cannot be trusted, and what to do; None if it can.
        num_trusted: Number of items from which the difference could be trusted, or from which it
            can exclude a change, if that is known.
        stands_in: The score that decides if this one cannot; None if there is none.
        notes: How the error was found.
    """

    name: str
    direction: str
    baseline: float
    difference: float
    precision: Precision | None
    beyond: Precision | None = None
    excludes: bool = True
    deferred: bool = False
    num_sample: int
    noun: str = "images"
    num_others: tuple[int | None, int | None] = (None, None)
    num_runs: tuple[int, int] = (1, 1)
    margin: float | None
    untrusted: str | None = None
    num_trusted: int | None = None
    stands_in: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def regression(self) -> float:
        """The difference, above 0 if the run is worse."""
        return -self.difference if self.direction == "higher" else self.difference

    @property
    def se(self) -> float | None:
        """Standard error of the difference; 0 for the same images; None if unknown."""
        return None if self.precision is None else self.precision.se

    @property
    def bias_left(self) -> float:
        """The bias that removal may have left in the difference, in either direction."""
        return 0.0 if self.precision is None else self.precision.bias_left

    def p_value(self, fail_on: FailOn) -> float | None:
        """Return the chance of a regression this large if the true one were the largest allowed.

        The largest allowed one is the margin, or 0 if any regression fails. None if unknown.
        """
        precision = self.beyond if fail_on == "tolerance" else self.precision
        if precision is None or self.margin is None or self.untrusted is not None:
            return None
        threshold = self.margin if fail_on == "tolerance" else 0.0
        excess = self.regression - precision.bias_left - threshold
        if precision.se == 0:
            return float(excess <= 0)
        return tail(excess / precision.se, precision.df)

    def upper(self, alpha: float) -> float:
        """Return the regression that is excluded at `alpha`, if there is an error.

        It uses the error that there would be if the true regression were the margin.
        """
        assert self.beyond is not None
        reach = quantile(1 - alpha, self.beyond.df) * self.beyond.se_of_equals
        return self.regression + self.beyond.bias_left + reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer for one score.

    Attributes:
        evidence: The evidence behind the answer.
        outcome: The answer; None if another score decides instead.
        p_value: Holm's adjusted p-value, over all scores, for a true regression no larger than the
            allowed one; None if unknown.
        detectable: The smallest true regression that fails in at least 80 % of runs; None if
            unknown.
        num_needed: Number of items from which an unchanged generator would pass in 80 % of runs, if
            the answer is inconclusive and the number is known.
        given_baseline: The chance of a false alarm if this baseline is among the luckiest tenth;
            None if unknown.
        reason: The reason for the answer, in words.
    """

    evidence: Evidence
    outcome: Outcome | None
    p_value: float | None
    detectable: float | None
    num_needed: int | None
    given_baseline: float | None = None
    reason: str


def decide(
    evidence: Sequence[Evidence], alpha: float, fail_on: FailOn = "tolerance"
) -> tuple[Decision, ...]:
    """Decide about each score.

    The chance that any of them fails wrongly is at most `alpha`, by Holm's procedure over all. To
    pass, every score has to exclude its margin at `alpha` by itself, so the chance that all pass
    although one is truly worse by its margin is at most `alpha` too.
    """
    p_values = holm_adjusted([one.p_value(fail_on) for one in evidence])
    chance = alpha / max(sum(value is not None for value in p_values), 1)
    decisions = []
    for one, p_value in zip(evidence, p_values, strict=True):
        outcome, reason = _answer(one, p_value, alpha, fail_on)
        advice = None
        if outcome is Outcome.INCONCLUSIVE and p_value is not None and one.excludes:
            advice, words = advise(one, alpha)
            reason += f"; {words}"
        known = None if p_value is None else one.beyond
        detectable = None
        if known is not None and fail_on == "tolerance":
            detectable = (one.margin or 0.0) + known.detectable(chance)
        elif known is not None and one.precision is not None:
            detectable = one.precision.detectable(chance)
        decisions.append(
            Decision(
                evidence=one,
                outcome=outcome,
                p_value=p_value,
                detectable=detectable,
                num_needed=(advice or one.num_trusted) if outcome is Outcome.INCONCLUSIVE else None,
                given_baseline=None if known is None else known.given_other(chance),
                reason=reason,
            )
        )
    return tuple(decisions)


def overall(decisions: Sequence[Decision]) -> Outcome:
    """Return the gate's answer: fail if any score fails, pass if all that decide pass."""
    outcomes = {decision.outcome for decision in decisions} - {None}
    if Outcome.FAIL in outcomes:
        return Outcome.FAIL
    return Outcome.PASS if outcomes == {Outcome.PASS} else Outcome.INCONCLUSIVE


def _answer(
    evidence: Evidence, p_value: float | None, alpha: float, fail_on: FailOn
) -> tuple[Outcome | None, str]:
    """Return the answer for one score, given its p-value among the others, and its reason."""
    if evidence.untrusted is not None or evidence.beyond is None:
        return Outcome.INCONCLUSIVE, evidence.untrusted or "there is no standard error"
    margin = evidence.margin
    if margin is None:
        return Outcome.INCONCLUSIVE, (
            f"a share of the baseline's {evidence.baseline:.4g} cannot be a tolerance; give an "
            f"amount (--max-regress {evidence.name}=AMOUNT)"
        )
    upper = evidence.upper(alpha)
    assert p_value is not None
    if p_value < alpha:
        beyond = "worse by more than is tolerated" if fail_on == "tolerance" else "worse"
        return Outcome.FAIL, f"{beyond}, beyond chance ({said(p_value)})"
    if not evidence.excludes:
        needed = "" if evidence.num_trusted is None else f"; {evidence.num_trusted:,} are needed"
        reason = (
            f"not shown to be worse, and {evidence.num_sample:,} {evidence.noun} are too few to "
            f"exclude it{needed}"
        )
        if evidence.deferred:
            return None, f"{reason}; {evidence.stands_in} decides whether it passes"
        return Outcome.INCONCLUSIVE, reason
    if upper < margin:
        return Outcome.PASS, f"{at_most(upper)}, {margin:.4g} is tolerated"
    seen = evidence.regression
    found = (
        f"worse by {seen:.4g}, perhaps" if seen >= 0 else f"better by {-seen:.4g}, perhaps worse"
    )
    return Outcome.INCONCLUSIVE, f"{found} by {upper:.4g}, {margin:.4g} is tolerated"


def advise(evidence: Evidence, alpha: float) -> tuple[int | None, str]:
    """Return how many images let an unchanged generator pass in 80 % of runs, and advice.

    The baseline and the reference keep the error that they have, so more images of the run alone
    may not be enough.
    """
    precision, margin, noun = evidence.beyond, evidence.margin, evidence.noun
    assert precision is not None
    assert margin is not None
    if precision.bias_left >= margin:
        instead = "" if evidence.stands_in is None else f", or {evidence.stands_in}"
        return None, (
            f"up to {precision.bias_left:.4g} may be left of the bias that was removed, as much as "
            f"is tolerated; compare {evidence.name} at equal numbers of {noun}{instead}"
        )

    if precision.passing(margin, alpha) >= POWER:
        return None, (
            "an unchanged generator passes in 4 of 5 runs or more; look at the "
            f"{noun}, or tolerate more"
        )
    if evidence.num_runs != (1, 1):
        found = _fewest(
            lambda num: _with_runs(precision, evidence.num_runs, num).passing(margin, alpha),
            max(evidence.num_runs),
            _MOST_RUNS,
        )
        if found is None:
            return None, (
                f"up to {_MOST_RUNS:,} training runs on both sides would not let an unchanged "
                "recipe pass; tolerate more"
            )
        return None, (
            f"about {math.ceil(found):,} training runs on both sides would let an unchanged recipe "
            "pass in 4 of 5 checks"
        )
    nums = {}
    for sides, where in ((1, "of the run"), (2, "on both sides"), (3, "of every source")):
        if precision.variances.paired and sides == 1:
            continue  # image i of both is drawn alike, so both have the same number
        found = _fewest(
            partial(_passing_with, evidence, alpha, sides),
            evidence.num_sample,
            _MOST,
        )
        if found is not None:
            nums[where] = _round_up(found)
    if not nums:
        return None, f"no number of {noun} would let an unchanged generator pass; tolerate more"
    fewest = min(nums.values())
    where, num = next(one for one in nums.items() if one[1] <= _RATHER_BOTH * fewest)
    return num, (
        f"about {num:,} {noun} {where} would let an unchanged generator pass in 4 of 5 runs"
    )


def _fewest(passing: Callable[[float], float], low: float, most: float) -> float | None:
    """Return the number from which the chance to pass is 0.8; None if there is none."""
    if passing(most) < POWER:
        return None
    high = most
    while high / low > 1.001:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if passing(middle) >= POWER else (middle, high)
    return high


def _passing_with(evidence: Evidence, alpha: float, sides: int, num: float) -> float:
    """Return the chance to pass with this many images in the run, in the baseline too, or in all.

    A side that has more images keeps them.
    """
    assert evidence.beyond is not None
    assert evidence.margin is not None
    baseline, reference = (known or evidence.num_sample for known in evidence.num_others)
    more = evidence.beyond.with_more(
        one=num / evidence.num_sample,
        other=max(num / baseline, 1.0) if sides > 1 else 1.0,
        reference=max(num / reference, 1.0) if sides > 2 else 1.0,
    )
    return more.passing(evidence.margin, alpha)


def _with_runs(precision: Precision, have: tuple[int, int], num: float) -> Precision:
    """Return the precision with this many training runs on both sides."""
    each = (have[0] * precision.variances.one + have[1] * precision.variances.other) / 2 / num
    variances = Variances(one=each, other=each, reference=precision.variances.reference)
    return replace(precision, variances=variances, df=2 * (num - 1))


def _round_up(number: float) -> int:
    """Return a number of samples rounded up to two digits."""
    unit = int(10 ** max(math.floor(math.log10(number)) - 1, 0))
    return math.ceil(number / unit) * unit


def at_most(regression: float) -> str:
    """Return words for the largest regression that is not excluded."""
    if regression < 0:
        return f"better by {-regression:.4g} at least"
    return f"worse by {regression:.4g} at most"


def said(p_value: float) -> str:
    """Return words for a p-value."""
    text = format_p_value(p_value)
    return f"p {text}" if text.startswith("<") else f"p = {text}"
