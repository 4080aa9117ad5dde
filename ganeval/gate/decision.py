"""The decision of the gate: whether scores are proved worse, proved no worse, or neither.

A score fails if it is worse beyond chance and by more than is tolerated; it passes if the tolerated
regression is excluded (non-inferiority); else nothing is proved, and the number of samples that
would decide is told.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

from ganeval.scores.multiplicity import format_p_value, holm_adjusted

POWER = 0.8  # at which regressions are called detectable
_NORMAL = NormalDist()


class Outcome(StrEnum):
    """What the gate says."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of the change of one score.

    Attributes:
        name: What the score is called, with its network and options.
        direction: Which way is better; where it is "zero", `baseline` and `difference` are of how
            far from 0 the values are.
        baseline: The accepted value that is compared with.
        difference: Value of the run less `baseline`.
        se: Standard error of the difference; 0 for the same images; None if there is no honest one.
        bias_left: What may be left in `difference` of biases that were removed, either way.
        num_sample: Items of the run's sample.
        noun: What several of them are called.
        margin: The tolerated regression, above 0; None if it means nothing at this baseline.
        untrusted: Why the difference cannot be trusted, and what to do; None if it can.
        num_trusted: Items from which it could be, where that is known.
        stands_in: The score that decides where this one cannot; None if there is none.
        notes: How the error was found.
    """

    name: str
    direction: str
    baseline: float
    difference: float
    se: float | None
    num_sample: int
    noun: str = "images"
    margin: float | None
    untrusted: str | None = None
    num_trusted: int | None = None
    bias_left: float = 0.0
    stands_in: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def regression(self) -> float:
        """The difference, above 0 where the run is worse."""
        return -self.difference if self.direction == "higher" else self.difference

    @property
    def p_value(self) -> float | None:
        """The chance of so large a regression if nothing had changed; None if unknown."""
        if self.se is None or self.untrusted is not None:
            return None
        beyond = self.regression - self.bias_left
        if self.se == 0:
            return float(beyond <= 0)
        return 1 - _NORMAL.cdf(beyond / self.se)

    def detectable(self, alpha: float) -> float | None:
        """Return the regression that would be found in 80 % of runs at least; None if unknown.

        `se` is that of what was seen, and the error of a distance grows with it: the variance of
        its influences in proportion, as they are those of its square root times that root. So the
        regression D solves D = B + z SE (1 + D / baseline)^(1/2) with the bias B that may be left,
        and the growth at most that of a doubled distance, because near 0 it is the rest of second
        order that counts.
        """
        if self.se is None or self.untrusted is not None:
            return None
        steady = _factor(alpha) * self.se
        if self.direction != "lower":
            return self.bias_left + steady
        most = self.bias_left + math.sqrt(2) * steady
        if self.baseline <= most:
            return most
        half = self.bias_left + steady**2 / (2 * self.baseline)
        return half + math.sqrt(half**2 + steady**2 - self.bias_left**2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer for one score.

    Attributes:
        evidence: What it rests on.
        outcome: The answer; None if another score decides in this one's place.
        p_value: Of no regression; Holm's adjusted one for the guards; None if unknown.
        detectable: The regression that would be found in 80 % of runs; None if unknown.
        num_needed: Items that would decide, if it is inconclusive and that is known.
        reason: Why the answer is what it is, in words.
    """

    evidence: Evidence
    outcome: Outcome | None
    p_value: float | None
    detectable: float | None
    num_needed: int | None
    reason: str


def decide(evidence: Sequence[Evidence], alpha: float) -> tuple[Decision, ...]:
    """Decide for each score: the first one is tested at `alpha`, the guards by Holm's procedure.

    To pass, every score has to exclude its margin at `alpha` by itself.
    """
    p_values = [evidence[0].p_value, *holm_adjusted([one.p_value for one in evidence[1:]])]
    return tuple(
        _decide(one, p_value, alpha) for one, p_value in zip(evidence, p_values, strict=True)
    )


def overall(decisions: Sequence[Decision]) -> Outcome:
    """Return the gate's answer: fail if any score fails, pass if all that decide pass."""
    outcomes = {decision.outcome for decision in decisions} - {None}
    if Outcome.FAIL in outcomes:
        return Outcome.FAIL
    return Outcome.PASS if outcomes == {Outcome.PASS} else Outcome.INCONCLUSIVE


def _decide(evidence: Evidence, p_value: float | None, alpha: float) -> Decision:
    """Return the answer for one score, given its p-value among the others."""
    outcome, num_needed = Outcome.INCONCLUSIVE, evidence.num_trusted
    if evidence.untrusted is not None or evidence.se is None or p_value is None:
        reason = evidence.untrusted or "there is no standard error"
    elif evidence.margin is None:
        reason = (
            f"a share of the baseline's {evidence.baseline:.4g} is no tolerance; give an amount "
            f"(--max-regress {evidence.name}=AMOUNT)"
        )
    else:
        outcome, reason = _compare(evidence, evidence.margin, evidence.se, p_value, alpha)
        if outcome is Outcome.INCONCLUSIVE:
            num_needed = _num_needed(evidence, evidence.margin, evidence.se, alpha)
            reason += f"; {_advice(evidence, evidence.margin, num_needed)}"
    return Decision(
        evidence=evidence,
        outcome=outcome,
        p_value=p_value,
        detectable=evidence.detectable(alpha),
        num_needed=num_needed if outcome is Outcome.INCONCLUSIVE else None,
        reason=reason,
    )


def _compare(
    evidence: Evidence, margin: float, se: float, p_value: float, alpha: float
) -> tuple[Outcome, str]:
    """Return the answer where there is an honest error, and its reason."""
    worse = evidence.regression
    if p_value < alpha and worse > margin:
        return Outcome.FAIL, f"worse beyond chance ({_said(p_value)}) and more than is tolerated"
    upper = worse + evidence.bias_left + _NORMAL.inv_cdf(1 - alpha) * se
    if upper < margin:
        return Outcome.PASS, f"worse by {upper:.4g} at most, {margin:.4g} is tolerated"
    if worse > margin:
        return (
            Outcome.INCONCLUSIVE,
            f"more than is tolerated, but it may be chance ({_said(p_value)})",
        )
    return Outcome.INCONCLUSIVE, f"may be worse by {upper:.4g}, {margin:.4g} is tolerated"


_MOST = 10**9  # samples, beyond which a number is no advice


def _num_needed(evidence: Evidence, margin: float, se: float, alpha: float) -> int | None:
    """Return the number of samples that would decide, or None if none in reach would.

    N ((z_alpha + z_power) SE / effect)^2 with the tolerated regression as the effect; if there are
    as many already, with the distance of what was seen to it. A bias that may be left takes its
    part of either, and where it takes all no number is told.
    """
    room = margin - evidence.bias_left
    if room <= 0:
        return None
    for effect in (room, room - evidence.regression):
        if effect > 0:
            needed = evidence.num_sample * (_factor(alpha) * se / effect) ** 2
            if evidence.num_sample < needed < _MOST:
                return _round_up(needed)
    return None


def _advice(evidence: Evidence, margin: float, num_needed: int | None) -> str:
    """Return what would decide where nothing is shown."""
    if num_needed is not None:
        return f"about {num_needed:,} {evidence.noun} would decide"
    if evidence.bias_left >= margin:
        instead = "" if evidence.stands_in is None else f", or {evidence.stands_in}"
        return (
            f"up to {evidence.bias_left:.4g} may be left of the bias that was removed, as much as "
            f"is tolerated; compare {evidence.name} at equal numbers of {evidence.noun}{instead}"
        )
    return f"more {evidence.noun} would not decide soon, it is as large as what is tolerated"


def _round_up(number: float) -> int:
    """Return a number of samples with two digits, not below what is needed."""
    unit = int(10 ** max(math.floor(math.log10(number)) - 1, 0))
    return math.ceil(number / unit) * unit


def _factor(alpha: float) -> float:
    """Return how many standard errors a one-sided test finds with the usual power."""
    return _NORMAL.inv_cdf(1 - alpha) + _NORMAL.inv_cdf(POWER)


def _said(p_value: float) -> str:
    """Return a p-value as words of a reason."""
    text = format_p_value(p_value)
    return f"p {text}" if text.startswith("<") else f"p = {text}"
