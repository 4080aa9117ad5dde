"""The older rule, which decides about baselines that do not name a rule.

A score fails if it is worse beyond chance and what was seen is more than is tolerated; it passes if
more than is tolerated is excluded. FID is compared as it is if the numbers of images agree. The
first score is tested at alpha, the others by Holm's procedure at alpha again.
"""

from collections.abc import Sequence
from dataclasses import replace

from ganeval.gate.decision import Decision, Evidence, Outcome, at_most, said
from ganeval.scores.multiplicity import holm_adjusted
from ganeval.scores.power import quantile


def decide_as_before(evidence: Sequence[Evidence], alpha: float) -> tuple[Decision, ...]:
    """Decide about each score by the older rule, which took every standard error as known."""
    evidence = [
        one if one.precision is None else replace(one, precision=replace(one.precision, df=None))
        for one in evidence
    ]
    p_values = [
        evidence[0].p_value("any"),
        *holm_adjusted([one.p_value("any") for one in evidence[1:]]),
    ]
    return tuple(
        _decide(one, p_value, alpha) for one, p_value in zip(evidence, p_values, strict=True)
    )


def _decide(evidence: Evidence, p_value: float | None, alpha: float) -> Decision:
    """Return the answer for one score."""
    outcome, margin, precision = Outcome.INCONCLUSIVE, evidence.margin, evidence.precision
    if evidence.untrusted is not None or precision is None:
        reason = evidence.untrusted or "there is no standard error"
    elif margin is None:
        reason = (
            f"a share of the baseline's {evidence.baseline:.4g} cannot be a tolerance; give an "
            f"amount (--max-regress {evidence.name}=AMOUNT)"
        )
    else:
        assert p_value is not None
        worse = evidence.regression
        upper = worse + precision.bias_left + quantile(1 - alpha) * precision.se
        if p_value < alpha and worse > margin:
            outcome = Outcome.FAIL
            reason = f"worse beyond chance ({said(p_value)}) and more than is tolerated"
        elif upper < margin:
            outcome = Outcome.PASS
            reason = f"{at_most(upper)}, {margin:.4g} is tolerated"
        else:
            reason = f"may be worse by {upper:.4g}, {margin:.4g} is tolerated"
    known = None if p_value is None else precision
    return Decision(
        evidence=evidence,
        outcome=outcome,
        p_value=p_value,
        detectable=None if known is None else known.detectable(alpha),
        num_needed=evidence.num_trusted if outcome is Outcome.INCONCLUSIVE else None,
        reason=reason,
    )
