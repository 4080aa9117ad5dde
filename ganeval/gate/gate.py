"""The regression gate: a run beside the accepted baseline."""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ganeval.errors import MismatchError, UsageError
from ganeval.gate.baseline import check_one_recipe, check_single, rule_of
from ganeval.gate.change import GATE, change_of, compare_scores
from ganeval.gate.decision import Decision, Evidence, FailOn, Outcome, decide, overall
from ganeval.gate.limits import Limit
from ganeval.gate.older_rule import decide_as_before
from ganeval.report.report import Report
from ganeval.scores.identity import Findings
from ganeval.scores.label import label_of
from ganeval.scores.power import Variances

log = logging.getLogger(__name__)

Weighed = tuple[Limit, Evidence]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer of the gate about a run.

    Attributes:
        outcome: Answer for all scores together.
        decisions: One for each score, in the order of `limits`.
        limits: Limits of the scores, in the same order.
        alpha: Largest probability of a false alarm, over all scores together.
        fail_on: Which regressions fail if they are beyond chance.
        rule: Version of the rule that decides: the baseline's.
        run: The report that was checked; the first of several training runs.
        num_runs: Numbers of training runs of the run and of the baseline.
        baseline: The baseline that it was compared with.
        on_inconclusive: What an inconclusive answer counts as.
        unsaid: Facts that could not be compared, because only one of the two reports states them.
    """

    outcome: Outcome
    decisions: tuple[Decision, ...]
    limits: tuple[Limit, ...]
    alpha: float
    fail_on: FailOn = "tolerance"
    rule: int
    run: Report
    num_runs: tuple[int, int] = (1, 1)
    baseline: Report
    on_inconclusive: Outcome = Outcome.INCONCLUSIVE
    unsaid: tuple[str, ...] = ()

    @property
    def counted(self) -> Outcome:
        """The outcome that the answer counts as."""
        return self.count(self.outcome)

    def count(self, outcome: Outcome) -> Outcome:
        """Return the outcome that counts, with `on_inconclusive` applied."""
        return self.on_inconclusive if outcome is Outcome.INCONCLUSIVE else outcome


def check(
    run: Report | Sequence[Report],
    baseline: Report,
    limits: Sequence[Limit],
    alpha: float,
    *,
    fail_on: FailOn = "tolerance",
    on_inconclusive: Outcome = Outcome.INCONCLUSIVE,
) -> Verdict:
    """Compare a run with the baseline, score by score.

    All scores are tested together. If a score can neither fail nor pass, the score that its metric
    names decides instead, provided it has a limit of its own. A share of one score says nothing
    about the other: collapse to a smaller spread doubles FID and hardly moves KID. If a score can
    fail but not pass, the other one decides whether the run passes. By the older rule the other one
    needs no limit of its own and uses the same share.

    Args:
        run: The report, or those of several training runs of one recipe.
        baseline: What `accept` wrote; a baseline without a rule is decided by the older rule.
        limits: What is tolerated.
        alpha: Largest probability of a false alarm, over all scores together, and of passing a run
            whose regression is as large as tolerated.
        fail_on: Which regressions fail if they are beyond chance: those above the tolerated one, or
            any.
        on_inconclusive: What an inconclusive answer counts as.

    Raises:
        MismatchError: Two of them were made under different conditions.
        UsageError: A report has several samples, the runs are not of one recipe, a score is missing
            in one of them or has no better direction, or `alpha` is not between 0 and 0.5.
    """
    if not 0 < alpha < 0.5:
        raise UsageError(f"alpha is {alpha:g}", "above 0 and below 0.5", "change --alpha")
    runs = [run] if isinstance(run, Report) else list(run)
    rule = rule_of(baseline)
    if rule == 1 and (len(runs) > 1 or fail_on == "any"):
        raise UsageError(
            "the baseline was accepted by an older version, whose rule knows one run on each side "
            "and no --fail-on",
            "a baseline of this version",
            "accept it again: ganeval baseline accept RUN.json... -o BASE.json",
        )
    for report in (*runs, baseline):
        check_single(report)
        for limit in limits:
            if report[limit.name].direction == "none":  # a missing name is refused too
                raise UsageError(
                    f"--max-regress names {limit.name}, which cannot become better or worse",
                    "a score that can become worse",
                    "leave it out",
                )
    for limit in limits:
        if doubt := limit.doubt(baseline[limit.name].value):
            log.warning("%s", doubt)
    if len(runs) > 1:
        check_one_recipe(runs, [limit.name for limit in limits])
    world = _World(runs=runs, baseline=baseline, rule=rule)
    unsaid = world.check_comparable([limit.name for limit in limits])
    deciding, shown = world.with_stand_ins([(limit, world.evidence(limit)) for limit in limits])
    evidence = [one for _, one in deciding]
    decisions = decide_as_before(evidence, alpha) if rule == 1 else decide(evidence, alpha, fail_on)
    decisions += tuple(_not_deciding(one) for _, one in shown)
    return Verdict(
        outcome=overall(decisions),
        decisions=decisions,
        limits=tuple(limit for limit, _ in [*deciding, *shown]),
        alpha=alpha,
        fail_on=fail_on,
        rule=rule,
        run=runs[0],
        num_runs=world.num_runs,
        baseline=baseline,
        on_inconclusive=on_inconclusive,
        unsaid=unsaid,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _World:
    """The two sides of a comparison.

    Attributes:
        runs: One or several training runs.
        baseline: The baseline.
        rule: Version of the baseline's rule.
    """

    runs: Sequence[Report]
    baseline: Report
    rule: int

    @property
    def num_runs(self) -> tuple[int, int]:
        """The numbers of training runs on both sides."""
        return len(self.runs), int(self.baseline.provenance.get(GATE, {}).get("num_runs", 1))

    def evidence(self, limit: Limit) -> Evidence:
        """Return what is known of the change of one score.

        If values on both sides of 0 are worse, the distance from 0 counts. If the sign changed, the
        errors of both are added, which is an upper limit of their joint error.
        """
        change = change_of(limit, self.runs, self.baseline, rule=self.rule)
        row, accepted = self.runs[0][limit.name], self.baseline[limit.name]
        before, difference = change.before, change.difference
        precision, beyond = change.precision, change.beyond
        if row.direction == "zero" and precision is not None:
            after = before + difference
            if precision.se and before * after < 0:
                own, others = row.se, accepted.se
                if own is None or others is None or self.num_runs != (1, 1):
                    own, others = (
                        math.sqrt(one)
                        for one in (precision.variances.one, precision.variances.other)
                    )
                shared = precision.variances.reference if self.num_runs != (1, 1) else 0.0
                both = Variances(one=(own + others) ** 2, reference=shared)
                precision = beyond = replace(precision, variances=both)
            before, difference = abs(before), abs(after) - abs(before)
        return Evidence(
            name=limit.name,
            direction=row.direction,
            baseline=before,
            difference=difference,
            precision=precision,
            beyond=beyond,
            excludes=change.excludes,
            num_sample=row.num_sample,
            noun=row.noun,
            num_others=(accepted.num_sample, row.num_reference),
            num_runs=self.num_runs,
            margin=limit.margin(before),
            untrusted=change.untrusted,
            num_trusted=change.num_trusted,
            stands_in=row.kind.stands_in and label_of(row.kind.stands_in, row.network, {}),
            notes=change.notes,
        )

    def with_stand_ins(self, weighed: Sequence[Weighed]) -> tuple[list[Weighed], list[Weighed]]:
        """Let another score decide if one cannot; return who decides, and who is only shown."""
        deciding, shown = list(weighed), []
        for one in weighed:
            limit, evidence = one
            if evidence.stands_in is None or (evidence.untrusted is None and evidence.excludes):
                continue
            place = deciding.index(one)
            own = [other for other in deciding if other[0].name == evidence.stands_in]
            if own:  # under its own limit, and first if the score that it stands in for was first
                other = own[0]
            elif self.rule > 1 or not limit.relative or not self._all_have(evidence.stands_in):
                deciding[place] = limit, self._without_stand_in(evidence)
                continue
            else:
                self.check_comparable([evidence.stands_in])
                its_limit = replace(limit, name=evidence.stands_in)
                other = its_limit, self.evidence(its_limit)
            if evidence.untrusted is None:  # this one may still fail
                deciding[place] = limit, replace(evidence, deferred=True)
                if other not in deciding:
                    deciding.insert(place + 1, other)
                continue
            deciding[place] = other
            deciding = [two for at, two in enumerate(deciding) if at == place or two != other]
            shown.append(one)
        return deciding, shown

    def _all_have(self, label: str) -> bool:
        """Tell whether every report has a score."""
        return all(
            label in {row.label for row in report.scores} for report in (*self.runs, self.baseline)
        )

    def _without_stand_in(self, evidence: Evidence) -> Evidence:
        """Say how another score can decide instead of one."""
        other = evidence.stands_in
        scored = "" if self._all_have(str(other)) else "score it too (-m) and "
        remedy = (
            f"{scored}name a tolerance of {other} (--max-regress {other}=AMOUNT) to let it decide"
        )
        if evidence.untrusted is None:
            return replace(evidence, notes=(remedy, *evidence.notes))
        return replace(evidence, untrusted=f"{evidence.untrusted}; {remedy}")

    def check_comparable(self, names: Sequence[str]) -> tuple[str, ...]:
        """Refuse reports that were made under different conditions.

        Returns:
            Facts that could not be compared, because only one of the two states them.

        Raises:
            MismatchError: They differ; the message names every difference.
        """
        found = Findings()
        for run in self.runs:
            for name in names:
                found += compare_scores(run, run[name], self.baseline, self.baseline[name])
        if found.differing:
            raise MismatchError(
                f"run and baseline differ: {', '.join(dict.fromkeys(found.differing))}",
                "a run under the conditions of the baseline",
                f"{found.remedy}, or accept the run as the new baseline (ganeval baseline accept)",
            )
        return tuple(dict.fromkeys(found.unsaid))


def _not_deciding(evidence: Evidence) -> Decision:
    """Return the line of a score for which another one decides."""
    return Decision(
        evidence=evidence,
        outcome=None,
        p_value=None,
        detectable=None,
        num_needed=evidence.num_trusted,
        reason=f"{evidence.untrusted}; {evidence.stands_in} decides instead",
    )
