"""The change of one score between two runs, with its standard error."""

from dataclasses import dataclass

from ganeval.report.comparisons import measured
from ganeval.report.report import Report
from ganeval.scores.conditions import arithmetic
from ganeval.scores.differences import Difference, Measured, compare_measured, difference
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
from ganeval.scores.row import ScoreRow

NAMES: Names = ("in the run", "in the baseline")
_HOW = {
    "debiased": "values without their bias",
    "equal-numbers": "at equal numbers of {noun}, where the bias cancels",
    "jackknife": "errors by the jackknife",
    "runs": "errors from the spread over several runs",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of a score.

    Attributes:
        before: The value that `difference` starts from; without its bias where that was removed.
        difference: After less before.
        se: Its standard error; 0 where the features are equal; None if there is no honest one.
        bias_left: See `Difference`.
        untrusted: Why the difference says nothing, and what would; None if it does.
        num_trusted: Items from which it would, where that is known.
        notes: How the error was found.
    """

    before: float
    difference: float
    se: float | None
    bias_left: float = 0.0
    untrusted: str | None = None
    num_trusted: int | None = None
    notes: tuple[str, ...] = ()


def compare_scores(run: Report, after: ScoreRow, baseline: Report, before: ScoreRow) -> Findings:
    """Find where a score of a run and one of its baseline differ by more than the sample."""
    sides = measured(run, after), measured(baseline, before)
    samples = sides[0].sample_identity, sides[1].sample_identity
    pairs, earlier = ({f"partners of {row.label}": row.partners} for row in (after, before))
    return (
        compare_measured(*sides, NAMES)
        + compare_conditions(pairs, earlier, NAMES)
        + compare_preparation(*samples, NAMES)
    )


def change_of(label: str, run: Report, baseline: Report) -> Change:
    """Return the change of the score `label` of one sample, from the baseline to the run.

    Both are of the same reference; see `difference`.
    """
    after, before = measured(run, run[label]), measured(baseline, baseline[label])
    noun = common_noun((after.row.noun, before.row.noun))
    if _same_features(after, before) and same_value(after.row.value, before.row.value):
        return Change(
            before=before.row.value,
            difference=after.row.value - before.row.value,
            se=0.0,
            notes=(f"the same {noun}",),
        )
    found = difference(after, before, as_they_are=True)
    start = before.row.details["debiased"] if found.method == "debiased" else before.row.value
    if found.se is None:
        reason, num_trusted = _untrusted(found, after, before, noun)
        return Change(
            before=start,
            difference=found.difference,
            se=None,
            untrusted=reason,
            num_trusted=num_trusted,
        )
    return Change(
        before=start,
        difference=found.difference,
        se=found.se,
        bias_left=found.bias_left,
        notes=_how(found, after, before, noun),
    )


def _same_features(after: Measured, before: Measured) -> bool:
    """Tell whether both samples have the same features: one identity, and one arithmetic.

    What one of the two reports does not say counts as another.
    """
    sides = after.sample_identity, before.sample_identity
    return (
        same_items(*sides) is True
        and sides[0].settings == sides[1].settings
        and arithmetic(after.provenance, [after.row]) == arithmetic(before.provenance, [before.row])
    )


def _how(found: Difference, after: Measured, before: Measured, noun: str) -> tuple[str, ...]:
    """Say how the error of a difference was found."""
    if same_order(after.sample_identity, before.sample_identity):
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


def _untrusted(
    found: Difference, after: Measured, before: Measured, noun: str
) -> tuple[str, int | None]:
    """Say why a difference is not trusted, and from how many items it would be if that is known.

    Args:
        found: The difference, without an error.
        after: The run's score.
        before: The baseline's.
        noun: What several items of both are called.
    """
    label, num, num_before = found.label, after.row.num_sample, before.row.num_sample
    if after.row.se is None or before.row.se is None:
        enough = after.row.enough or before.row.enough
        if "se" not in enough:
            lacking = after.row if after.row.se is None else before.row
            return f"{label} has no standard error: {'; '.join(lacking.notes)}", None
        reason = (
            f"{label} of {num:,} {noun} (baseline {num_before:,}, reference "
            f"{after.row.num_reference or 0:,}) decides nothing: {enough['se']:,} are needed on "
            "every side"
        )
        if "debiased" in enough:
            reason += f" if their numbers are equal, else {enough['debiased']:,}"
        return reason, enough["se"]
    reason = "; ".join(found.notes)
    if num != num_before:
        return reason, max(num, num_before)
    for what, side in (("run", after), ("baseline", before)):
        if side.influence is None:
            reason = f"the {what} lacks its influence values; keep the file that lies beside it"
    return reason, None
