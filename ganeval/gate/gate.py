"""The regression gate: a run beside the accepted baseline."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ganeval.errors import MismatchError, UsageError
from ganeval.gate.baseline import check_single
from ganeval.gate.change import change_of, compare_scores
from ganeval.gate.decision import Decision, Evidence, Outcome, decide, overall
from ganeval.gate.limits import Limit
from ganeval.report.report import Report
from ganeval.scores.identity import Findings
from ganeval.scores.label import label_of

Weighed = tuple[Limit, Evidence]


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

    The first limit is that of the primary score. Where a score cannot be trusted, the one that its
    metric names decides in its place if both reports have it, under its own limit or else under the
    same share.

    Raises:
        MismatchError: The two were made under different conditions.
        UsageError: Several samples, a score that is not in both or of which no value is better, or
            an `alpha` that is no probability of an error.
    """
    if not 0 < alpha < 0.5:
        raise UsageError(f"alpha is {alpha:g}", "above 0 and below 0.5", "change --alpha")
    for report in (run, baseline):
        check_single(report)
        for limit in limits:
            if report[limit.name].direction == "none":  # a name that is not there is refused too
                raise UsageError(
                    f"--max-regress names {limit.name}, of which no value is better than another",
                    "a score that can become worse",
                    "leave it out",
                )
    unsaid = check_comparable(run, baseline, [limit.name for limit in limits])
    deciding, shown = _with_stand_ins(
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


def _evidence(limit: Limit, run: Report, baseline: Report) -> Evidence:
    """Return what is known of the change of one score.

    Where values on both sides of 0 are worse, what counts is how far from 0 they are. If the sign
    changed, the errors of both are added, which they are worth together at most.
    """
    change = change_of(limit.name, run, baseline)
    row, accepted = run[limit.name], baseline[limit.name]
    before, difference, se = change.before, change.difference, change.se
    if row.direction == "zero":
        after = before + difference
        if se and before * after < 0:
            assert row.se is not None
            assert accepted.se is not None
            se = row.se + accepted.se
        before, difference = abs(before), abs(after) - abs(before)
    return Evidence(
        name=limit.name,
        direction=row.direction,
        baseline=before,
        difference=difference,
        se=se,
        bias_left=change.bias_left,
        num_sample=row.num_sample,
        noun=row.noun,
        margin=limit.margin(before),
        untrusted=change.untrusted,
        num_trusted=change.num_trusted,
        stands_in=row.kind.stands_in and label_of(row.kind.stands_in, row.network, {}),
        notes=change.notes,
    )


def _with_stand_ins(
    weighed: Sequence[Weighed], run: Report, baseline: Report
) -> tuple[list[Weighed], list[Weighed]]:
    """Let another score decide where one cannot; return who decides, and who is only shown."""
    deciding, shown = list(weighed), []
    for one in weighed:
        limit, evidence = one
        if evidence.untrusted is None or evidence.stands_in is None:
            continue
        place = deciding.index(one)
        own = [other for other in deciding if other[0].name == evidence.stands_in]
        if own:  # under its own limit, and in the first place if the other one had that
            other = own[0]
        elif not limit.relative or not _both_have(evidence.stands_in, run, baseline):
            deciding[place] = limit, _without_stand_in(evidence, limit)
            continue
        else:
            check_comparable(run, baseline, [evidence.stands_in])
            its_limit = replace(limit, name=evidence.stands_in)
            other = its_limit, _evidence(its_limit, run, baseline)
        deciding[place] = other
        deciding = [two for at, two in enumerate(deciding) if at == place or two != other]
        shown.append(one)
    return deciding, shown


def _both_have(label: str, *reports: Report) -> bool:
    """Tell whether every report has a score."""
    return all(label in {row.label for row in report.scores} for report in reports)


def _without_stand_in(evidence: Evidence, limit: Limit) -> Evidence:
    """Say what lets another score decide in the place of one."""
    other = evidence.stands_in
    remedy = (
        f"score both with -m {limit.name},{other} to let {other} decide"
        if limit.relative
        else f"name a tolerance of {other} too (--max-regress {other}=AMOUNT) to let it decide"
    )
    return replace(evidence, untrusted=f"{evidence.untrusted}; {remedy}")


def _not_deciding(evidence: Evidence) -> Decision:
    """Return the line of a score in whose place another one decides."""
    return Decision(
        evidence=evidence,
        outcome=None,
        p_value=None,
        detectable=None,
        num_needed=evidence.num_trusted,
        reason=f"{evidence.untrusted}; {evidence.stands_in} decides in its place",
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
