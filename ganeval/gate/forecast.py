"""How an unchanged generator will fare against a baseline, said before anyone commits to it."""

import math
from dataclasses import replace

from ganeval.gate.change import accepted_runs
from ganeval.gate.decision import Evidence, advise
from ganeval.gate.limits import Limit
from ganeval.report.comparisons import measured
from ganeval.report.report import Report
from ganeval.scores.differences import difference
from ganeval.scores.label import label_of
from ganeval.scores.power import POWER, Precision, Variances


def forecast(baseline: Report, limit: Limit, alpha: float) -> tuple[str, ...]:
    """Return lines that say what a limit means for runs of as many images as the baseline has.

    The run is another draw of the same generator: the images of both add to the error, those of
    the reference cancel. Of several training runs it is as many runs again.

    Args:
        baseline: The accepted report.
        limit: Of one of its scores.
        alpha: Chance of a false alarm.
    """
    row = baseline[limit.name]
    precision = _of_unchanged(baseline, limit.name)
    if precision is None:
        why = f"{row.enough['se']:,} {row.noun} are needed" if row.enough else "; ".join(row.notes)
        line = f"{limit.name} within {limit}: an unchanged generator cannot pass: {why}"
        other = row.kind.stands_in and label_of(row.kind.stands_in, row.network, {})
        if (
            other is None
            or not limit.relative
            or other not in {one.label for one in baseline.scores}
        ):
            return (line,)
        return (line, *forecast(baseline, replace(limit, name=other), alpha))
    margin = limit.margin(precision.values[1])
    if margin is None:
        return (f"{limit.name} within {limit}: the baseline is not above 0; give an amount",)
    passing = precision.passing(margin, alpha)
    lines = [
        f"{limit.name} within {limit}: an unchanged generator passes in about {passing:.0%} of "
        f"runs, and is inconclusive in the rest"
    ]
    if passing < POWER:
        enough = precision.passable(alpha)
        if limit.relative:
            enough *= 100 / precision.values[1]
        lines.append(
            f"  {limit.name}={_two_digits_up(enough)}{'%' if limit.relative else ''} would let it "
            "pass in 4 of 5 runs"
        )
        num_runs = max(len(_values(baseline, limit.name)), 1)
        evidence = Evidence(
            name=limit.name,
            direction=row.direction,
            baseline=precision.values[1],
            difference=0.0,
            precision=precision,
            num_sample=row.num_sample,
            noun=row.noun,
            num_others=(row.num_sample, row.num_reference),
            num_runs=(num_runs, num_runs),
            margin=margin,
        )
        lines.append(f"  {advise(evidence, alpha)[1]}")
    given = precision.given_other(alpha)
    if given is not None and given > alpha:
        lines.append(
            f"  false alarms: {alpha:.0%} over all baselines, {given:.0%} if this one is among the "
            "luckiest tenth; more images in the baseline than in the runs lower that"
        )
    return tuple(lines)


def _two_digits_up(number: float) -> str:
    """Return a number above 0 with two digits, not below it."""
    unit = 10.0 ** (math.floor(math.log10(number)) - 1)
    return f"{math.ceil(number / unit) * unit:.6g}"


def _values(baseline: Report, label: str) -> tuple[float, ...]:
    """Return the values of the training runs of a baseline."""
    found = accepted_runs(baseline, label)
    return () if found is None else found.values


def _of_unchanged(baseline: Report, label: str) -> Precision | None:
    """Return the precision of the difference between a baseline and as many images, or runs, again.

    None where there is none, or where nothing can be excluded.
    """
    runs = accepted_runs(baseline, label)
    if runs is not None and len(runs.values) > 1:
        if runs.rough:
            return None
        num = len(runs.values)
        each = runs.variance / num
        return Precision(
            values=(runs.mean, runs.mean),
            variances=Variances(one=each, other=each),
            df=2 * (num - 1),
        )
    own = measured(baseline, baseline[label])
    found = difference(own, own, paired=False)
    if found.se is None or not found.excludes:
        return None
    return found.precision
