"""Say how often an unchanged generator will pass a baseline, before anyone commits to it."""

from dataclasses import replace

from ganeval.gate.change import accepted_runs
from ganeval.gate.decision import Evidence, advise
from ganeval.gate.limits import Limit
from ganeval.report.comparisons import measured
from ganeval.report.report import Report
from ganeval.scores.differences import difference
from ganeval.scores.label import label_of
from ganeval.scores.power import POWER, Precision, Variances
from ganeval.scores.runs import NO_SPREAD

_STEPS = 200  # of 5 %, in the search for a wider tolerance


def forecast(baseline: Report, limit: Limit, alpha: float) -> tuple[str, ...]:
    """Return lines that say what a limit means for runs with the baseline's number of images.

    The run is taken as another draw from the same generator: the images of both add to the error,
    those of the reference cancel. For several training runs it is the same number of runs again.

    Args:
        baseline: The accepted report.
        limit: Limit of one of its scores.
        alpha: Chance of a false alarm.
    """
    row = baseline[limit.name]
    if limit.margin(row.value) is None:
        return (
            f"{limit.name} within {limit}: a share of the baseline's {row.value:.4g} cannot be a "
            "tolerance; give an amount",
        )
    precision = _of_unchanged(baseline, limit)
    if precision is None:
        runs = accepted_runs(baseline, limit.name)
        why = f"{row.enough['se']:,} {row.noun} are needed" if row.enough else "; ".join(row.notes)
        if runs is not None and len(runs.values) > 1 and runs.variance == 0:
            why = NO_SPREAD
        line = f"{limit.name} within {limit}: an unchanged generator cannot pass: {why}"
        other = row.kind.stands_in and label_of(row.kind.stands_in, row.network, {})
        if (
            other is None
            or not limit.relative
            or other not in {one.label for one in baseline.scores}
        ):
            return (line,)
        instead = f"{line}; {other} decides instead if it has a tolerance of its own, as here:"
        return (instead, *forecast(baseline, replace(limit, name=other), alpha))
    value = precision.values[0]
    margin = limit.margin(value)
    if margin is None:
        return (f"{limit.name} within {limit}: the baseline is not above 0; give an amount",)
    passing = precision.passing(margin, alpha)
    others = ", and is inconclusive in nearly all others" if passing < 0.995 else ""
    lines = [
        f"{limit.name} within {limit}: an unchanged generator passes in about {passing:.0%} of "
        f"runs{others}"
    ]
    if passing < POWER:
        lines += _remedies(baseline, limit, alpha)
    given = precision.given_other(alpha)
    if given is not None and given > alpha:
        lines.append(
            f"  false alarms: at most {alpha:.0%} over all draws of the baseline, {given:.0%} if "
            "this one is among the luckiest tenth; more images in the baseline than in the runs "
            "lower that"
        )
    return tuple(lines)


def _remedies(baseline: Report, limit: Limit, alpha: float) -> list[str]:
    """Return advice on what would let an unchanged generator pass in 80 % of runs."""
    row, lines = baseline[limit.name], []
    for step in range(1, _STEPS):
        wider = replace(limit, amount=float(f"{limit.amount * 1.05**step:.2g}"))
        precision = _of_unchanged(baseline, wider)
        assert precision is not None
        margin = wider.margin(precision.values[0])
        if margin is not None and precision.passing(margin, alpha) >= POWER:
            lines.append(f"  {limit.name}={wider} would let it pass in 4 of 5 runs")
            break
    precision = _of_unchanged(baseline, limit)
    assert precision is not None
    runs = accepted_runs(baseline, limit.name)
    num_runs = 1 if runs is None else len(runs.values)
    value = precision.values[0]
    evidence = Evidence(
        name=limit.name,
        direction=row.direction,
        baseline=value,
        difference=0.0,
        precision=precision,
        beyond=precision,
        num_sample=row.num_sample,
        noun=row.noun,
        num_others=(row.num_sample, row.num_reference),
        num_runs=(num_runs, num_runs),
        margin=limit.margin(value),
    )
    lines.append(f"  {advise(evidence, alpha)[1]}")
    return lines


def _of_unchanged(baseline: Report, limit: Limit) -> Precision | None:
    """Return the precision of a comparison with the same number of new images or runs.

    None if they cannot be compared, or if nothing can be excluded. The error of a score from blocks
    does not say which part comes from the reference, so both sides count with all of it, which is a
    little too much.
    """
    label = limit.name
    runs, weight = accepted_runs(baseline, label), limit.weight(baseline[label].direction)
    if runs is not None and len(runs.values) > 1:
        if runs.rough or runs.variance == 0:
            return None
        num = len(runs.values)
        each = runs.variance / num
        squares = (1 + weight**4) / (num - 1)
        found = Precision(
            values=(runs.mean, weight * runs.mean),
            variances=Variances(one=each, other=weight**2 * each),
            df=(1 + weight**2) ** 2 / squares,
        )
    else:
        own = measured(baseline, baseline[label])
        compared = difference(own, own, paired=False, weight=weight)
        if compared.se is None or not compared.excludes:
            return None
        found = compared.precision
        if compared.method == "blocks":
            assert own.row.se is not None  # the blocks of both runs differ, so nothing cancels
            alone = Variances(one=own.row.se**2, other=(weight * own.row.se) ** 2)
            found = replace(found, variances=alone)
    if limit.relative:
        return found
    one, other = found.values
    return replace(found, values=(one, other + limit.amount))
