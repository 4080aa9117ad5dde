"""The regression gate: a run beside the accepted baseline."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ganeval.errors import MismatchError, UsageError
from ganeval.results.baseline import check_single
from ganeval.results.change import change_of, compare_scores
from ganeval.results.decision import Decision, Evidence, Outcome, decide, overall
from ganeval.results.identity import Findings
from ganeval.results.limits import Limit
from ganeval.results.report import Report

FALLBACK = "kid"  # unbiased, so it decides where FID cannot


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the gate says of a run.

    Attributes:
        outcome: Of all scores together.
        decisions: One for each score, the primary one first.
        limits: Of the scores, in the same order.
        alpha: Largest probability of a false alarm.
        run: The report that was checked.
        baseline: What it was compared with.
        on_inconclusive: What an inconclusive answer counts as.
        unsaid: What could not be compared, because only one of the two reports says it.
    """

    outcome: Outcome
    decisions: tuple[Decision, ...]
    limits: tuple[Limit, ...]
    alpha: float
    run: Report
    baseline: Report
    on_inconclusive: Outcome = Outcome.INCONCLUSIVE
    unsaid: tuple[str, ...] = ()

    @property
    def counted(self) -> Outcome:
        """What the answer counts as."""
        return self.count(self.outcome)

    def count(self, outcome: Outcome) -> Outcome:
        """Return what an outcome counts as."""
        return self.on_inconclusive if outcome is Outcome.INCONCLUSIVE else outcome


def check(
    run: Report,
    baseline: Report,
    limits: Sequence[Limit],
    alpha: float,
    *,
    on_inconclusive: Outcome = Outcome.INCONCLUSIVE,
) -> Verdict:
    """Compare a run with the baseline, score by score.

    The first limit is that of the primary score. Where FID cannot be trusted, KID decides in its
    place if both reports have it, under its own limit or else under the same share.

    Raises:
        MismatchError: The two were made under different conditions.
        UsageError: Several samples, a score that is not in both, or an `alpha` that is no
            probability of an error.
    """
    if not 0 < alpha < 0.5:
        raise UsageError(f"alpha is {alpha:g}", "above 0 and below 0.5", "change --alpha")
    for report in (run, baseline):
        check_single(report)
        for limit in limits:
            _ = report[limit.name]  # refuses a name that is not there
    unsaid = check_comparable(run, baseline, [limit.name for limit in limits])
    deciding, shown = _with_fallback(
        [(limit, _evidence(limit, run, baseline)) for limit in limits], run, baseline
    )
    decisions = decide([evidence for _, evidence in deciding], alpha)
    decisions += tuple(_not_deciding(evidence) for _, evidence in shown)
    return Verdict(
        outcome=overall(decisions),
        decisions=decisions,
        limits=tuple(limit for limit, _ in [*deciding, *shown]),
        alpha=alpha,
        run=run,
        baseline=baseline,
        on_inconclusive=on_inconclusive,
        unsaid=unsaid,
    )


Weighed = tuple[Limit, Evidence]


def _evidence(limit: Limit, run: Report, baseline: Report) -> Evidence:
    """Return what is known of the change of one score."""
    change = change_of(limit.name, run, baseline)
    row = run[limit.name]
    return Evidence(
        name=limit.name,
        direction=row.direction,
        baseline=change.before,
        difference=change.difference,
        se=change.se,
        bias_left=change.bias_left,
        num_sample=row.num_sample,
        margin=limit.margin(change.before),
        untrusted=change.untrusted,
        num_trusted=change.num_trusted,
        notes=change.notes,
    )


def _with_fallback(
    weighed: list[Weighed], run: Report, baseline: Report
) -> tuple[list[Weighed], list[Weighed]]:
    """Let KID decide where FID cannot; return who decides, and who is only shown."""
    names = [limit.name for limit, _ in weighed]
    if "fid" not in names:
        return weighed, []
    place = names.index("fid")
    limit, fid = weighed[place]
    if fid.untrusted is None:
        return weighed, []
    if FALLBACK in names:  # under its own limit, and in the first place if FID had that
        kid = weighed[names.index(FALLBACK)]
    elif not limit.relative or not _both_have(FALLBACK, run, baseline):
        return [*weighed[:place], (limit, _without_kid(fid, limit)), *weighed[place + 1 :]], []
    else:
        check_comparable(run, baseline, [FALLBACK])
        kid_limit = replace(limit, name=FALLBACK)
        kid = kid_limit, _evidence(kid_limit, run, baseline)
    deciding = [kid if one is weighed[place] else one for one in weighed if one is not kid]
    return deciding, [weighed[place]]


def _both_have(name: str, *reports: Report) -> bool:
    """Tell whether every report has a score."""
    return all(name in {row.name for row in report.scores} for report in reports)


def _without_kid(fid: Evidence, limit: Limit) -> Evidence:
    """Say what lets KID decide in the place of FID."""
    remedy = (
        "score both with -m fid,kid to let kid decide"
        if limit.relative
        else "name a tolerance of kid too (--max-regress kid=AMOUNT) to let it decide"
    )
    return replace(fid, untrusted=f"{fid.untrusted}; {remedy}")


def _not_deciding(evidence: Evidence) -> Decision:
    """Return the line of a score in whose place another one decides."""
    return Decision(
        evidence=evidence,
        outcome=None,
        p_value=None,
        detectable=None,
        num_needed=evidence.num_trusted,
        reason=f"{evidence.untrusted}; {FALLBACK} decides in its place",
    )


def check_comparable(run: Report, baseline: Report, names: Sequence[str]) -> tuple[str, ...]:
    """Refuse reports that were made under different conditions.

    Returns:
        What could not be compared, because only one of the two says it.

    Raises:
        MismatchError: Naming everything that differs.
    """
    found = Findings()
    for name in names:
        found += compare_scores(run, run[name], baseline, baseline[name])
    if found.differing:
        raise MismatchError(
            f"run and baseline differ: {', '.join(found.differing)}",
            "a run under the conditions of the baseline",
            f"{found.remedy}, or accept the run as the new baseline (ganeval baseline accept)",
        )
    return found.unsaid
