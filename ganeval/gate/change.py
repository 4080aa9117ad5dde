"""The change of one score between two runs, with its standard error."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ganeval.gate.limits import Limit
from ganeval.report.comparisons import measured
from ganeval.report.report import Report
from ganeval.scores.conditions import arithmetic
from ganeval.scores.difference import Difference
from ganeval.scores.differences import (
    LACKING,
    NO_ERROR,
    Measured,
    compare_measured,
    difference,
)
from ganeval.scores.identity import (
    Findings,
    Names,
    apart,
    compare_conditions,
    compare_preparation,
    same_items,
    same_order,
    same_value,
)
from ganeval.scores.noun import common_noun
from ganeval.scores.power import Precision, Variances
from ganeval.scores.row import ScoreRow
from ganeval.scores.runs import RunValues, difference_of_runs

GATE = "gate"
"""Keys in the provenance of a baseline whose values decide about later runs."""

NAMES: Names = ("in the run", "in the baseline")
_HOW = {
    "debiased": "values without their bias",
    "equal-numbers": "at equal numbers of {noun}",
    "blocks": "errors from disjoint blocks",
    "jackknife": "errors by the jackknife",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The change of a score between two runs.

    Attributes:
        before: The value that `difference` is measured from, without its bias if that was removed.
        difference: Value after, minus value before.
        precision: How exactly the difference is known; has no variances if the features are equal;
            None if there is no honest error.
        beyond: See `Evidence`.
        excludes: See `Difference`.
        untrusted: Why the difference means nothing, and what would help; None if it can be trusted.
        num_trusted: Number of items from which the difference could be trusted, or from which it
            can exclude a change, if that is known.
        notes: How the error was found.
    """

    before: float
    difference: float
    precision: Precision | None
    beyond: Precision | None = None
    excludes: bool = True
    untrusted: str | None = None
    num_trusted: int | None = None
    notes: tuple[str, ...] = ()


def compare_scores(
    run: Report, after: ScoreRow, baseline: Report, before: ScoreRow, names: Names = NAMES
) -> Findings:
    """Find in what, apart from the sample, a score of a run and one of its baseline differ."""
    sides = measured(run, after), measured(baseline, before)
    samples = sides[0].sample_identity, sides[1].sample_identity
    pairs, earlier = ({f"partners of {row.label}": row.partners} for row in (after, before))
    return (
        compare_measured(*sides, names)
        + compare_conditions(pairs, earlier, names)
        + compare_preparation(*samples, names)
    )


def change_of(limit: Limit, runs: Sequence[Report], baseline: Report, *, rule: int) -> Change:
    """Return the change of a score, from the baseline to the run or runs.

    All have the same reference; see `difference` and `difference_of_runs`.

    Args:
        limit: The score, and the tolerated change.
        runs: One or several training runs.
        baseline: The baseline.
        rule: Version of the baseline's rule. Version 1 compares scores of equal numbers of items as
            they are.
    """
    label, run = limit.name, runs[0]
    after, before = measured(run, run[label]), measured(baseline, baseline[label])
    noun = common_noun((after.row.noun, before.row.noun))
    own, accepted = RunValues.of([one[label] for one in runs]), accepted_runs(baseline, label)
    several = len(runs) > 1 or (accepted is not None and len(accepted.values) > 1)
    if (
        not several
        and same_features(after, before)
        and same_value(after.row.value, before.row.value)
    ):
        value = before.row.value
        exact = Precision(values=(value, value), variances=Variances())
        return Change(
            before=value,
            difference=after.row.value - value,
            precision=exact,
            beyond=exact,
            notes=(f"the same {noun}",),
        )

    def compared(weight: float) -> Difference:
        """Return the run minus a multiple of the baseline."""
        found = difference(after, before, as_they_are=rule == 1, over_runs=several, weight=weight)
        if not several or found.method == "none" or own is None or accepted is None:
            return found
        return difference_of_runs(found, own, accepted, weight=weight)

    found = compared(1.0)
    enough = {**before.row.enough, **after.row.enough}
    if found.se is None:
        return Change(
            before=before.row.value,
            difference=found.difference,
            precision=None,
            untrusted=_untrusted(found, after, before),
            num_trusted=enough.get("se", _equal_number(after.row, before.row)),
        )
    precision = found.precision
    beyond = compared(limit.weight(after.row.direction)).precision
    if not limit.relative:
        one, other = precision.values
        beyond = replace(beyond, values=(one, other + limit.amount))
    return Change(
        before=precision.values[1],
        difference=found.difference,
        precision=precision,
        beyond=beyond,
        excludes=found.excludes or rule == 1,
        num_trusted=None if found.excludes else enough.get("se"),
        notes=_how(found, after, before, noun),
    )


def _equal_number(after: ScoreRow, before: ScoreRow) -> int | None:
    """Return how many items a smaller run needs if scores are compared at equal numbers."""
    fewer = after.num_sample < before.num_sample
    return before.num_sample if fewer and after.kind.bias == "depends-on-numbers" else None


def accepted_runs(baseline: Report, label: str) -> RunValues | None:
    """Return the values of the training runs of a baseline; None where a bias cannot be removed."""
    stored = baseline.provenance.get(GATE, {}).get("runs", {}).get(label)
    if stored is None:
        return RunValues.of([baseline[label]])
    return RunValues(
        values=tuple(stored["values"]), removed=tuple(stored["removed"]), rough=stored["rough"]
    )


def same_features(after: Measured, before: Measured) -> bool:
    """Tell whether both samples have the same features: same identity, same arithmetic.

    A fact that one of the two reports does not state counts as different.
    """
    sides = after.sample_identity, before.sample_identity
    return (
        same_items(*sides) is True
        and sides[0].settings == sides[1].settings
        and arithmetic(after.provenance, [after.row]) == arithmetic(before.provenance, [before.row])
    )


def _how(found: Difference, after: Measured, before: Measured, noun: str) -> tuple[str, ...]:
    """Say how the error of a difference was found."""
    if found.method == "runs":
        pairs = None
    elif same_order(after.sample_identity, before.sample_identity):
        pairs = f"paired: both samples are the same {noun}"
    elif found.paired:
        pairs = "paired: both samples drawn alike"
    else:
        pairs = "unpaired: samples drawn apart"
        reasons = apart(after.source, before.source, NAMES)
        pairs += f" ({', '.join(reasons)})" if reasons else ""
    left = f"{found.bias_left:.2g} of it may be left" if found.bias_left else None
    how = _HOW.get(found.method, "").format(noun=noun)
    return tuple(filter(None, (pairs, how, left, *found.notes)))


def _untrusted(found: Difference, after: Measured, before: Measured) -> str:
    """Say why a difference without an error is not trusted."""
    for what, side in (("run", after), ("baseline", before)):
        if LACKING in found.notes and side.influence is None:
            return (
                f"the {what} lacks its influence values; keep the file that was written beside it"
            )
    lacking = next((side.row for side in (after, before) if side.row.se is None), None)
    if lacking is not None and any(note.startswith(NO_ERROR) for note in found.notes):
        return f"there is no standard error: {'; '.join(lacking.notes)}"
    return f"nothing is decided: {'; '.join(found.notes)}"
