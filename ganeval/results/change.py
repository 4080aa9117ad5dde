"""The change of one score between two runs, with its standard error."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganeval.influence import Influence
from ganeval.results.report import Report
from ganeval.results.row import ScoreRow

# What must agree for sample i of two generators to be drawn alike; see `Drawing.settings`.
DRAWING = (
    *("latent_size", "prior", "truncation", "latent_layout", "num_classes", "label_policy"),
    *("seed", "condition"),
)
UNBIASED = ("kid", "fid_debiased")
ENOUGH_EQUAL, ENOUGH_UNEQUAL = 2, 5  # images per dimension from which differences of FID are normal


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of a score.

    Attributes:
        before: The value that `difference` starts from; without its bias where that was removed.
        difference: After less before.
        se: Its standard error; 0 for the same images; None if there is no honest one.
        paired: Whether sample i of both runs was drawn alike, so that its chance cancels.
        untrusted: Why the difference says nothing, and what would; None if it does.
        num_trusted: Images on every side from which it would, where that is known.
        notes: How the error was found.
    """

    before: float
    difference: float
    se: float | None
    paired: bool = False
    untrusted: str | None = None
    num_trusted: int | None = None
    notes: tuple[str, ...] = ()


def change_of(name: str, run: Report, baseline: Report) -> Change:
    """Return the change of the score `name` of one sample, from the baseline to the run.

    Both are of the same reference. Its chance enters both scores, so each of its images counts with
    the difference of its two influences; so does each image of the sample if the runs are paired.

    A biased score is compared at equal numbers of images, where the bias cancels to first order, or
    by its extrapolated values.
    """
    after, before = run[name], baseline[name]
    difference = after.value - before.value
    if _same_images(run, baseline, after, before):
        notes = ("the same images",)
        return Change(before=before.value, difference=difference, se=0.0, paired=True, notes=notes)
    if after.se is None or before.se is None:
        return Change(
            before=before.value,
            difference=difference,
            se=None,
            untrusted=_no_error(run, after, before),
            num_trusted=_enough(run, name),
        )
    if name in UNBIASED or _numbers(after) == _numbers(before):
        return _plain_change(run, baseline, after, before)
    if "debiased" in after.details and "debiased" in before.details:
        return _debiased_change(run, baseline, after, before)
    return Change(
        before=before.value,
        difference=difference,
        se=None,
        untrusted=f"{name} of {after.num_sample:,} images is not comparable with that of "
        f"{before.num_sample:,}: its bias depends on their number",
        num_trusted=before.num_sample if before.num_sample > after.num_sample else None,
    )


def _plain_change(run: Report, baseline: Report, after: ScoreRow, before: ScoreRow) -> Change:
    """Return the change of values whose biases cancel."""
    variance, paired, note = _variance(run, baseline, after, before)
    return Change(
        before=before.value,
        difference=after.value - before.value,
        se=math.sqrt(variance),
        paired=paired,
        notes=(note,),
    )


def _debiased_change(run: Report, baseline: Report, after: ScoreRow, before: ScoreRow) -> Change:
    """Return the change of the extrapolated values, whose errors hold that of the extrapolation."""
    variance, paired, note = _variance(run, baseline, after, before)
    influences = _influence(run, after), _influence(baseline, before)
    for influence in influences:
        if influence is not None and influence.remainder is not None:
            variance += influence.extrapolated_se**2 - influence.se**2
    start = before.details["debiased"]
    return Change(
        before=start,
        difference=after.details["debiased"] - start,
        se=math.sqrt(variance),
        paired=paired,
        notes=("values without their bias, because the numbers of images differ", note),
    )


def _variance(
    run: Report, baseline: Report, after: ScoreRow, before: ScoreRow
) -> tuple[float, bool, str]:
    """Return the variance of the difference, whether it is paired, and how it was found."""
    new, old = _influence(run, after), _influence(baseline, before)
    if new is None or old is None:
        assert after.se is not None
        assert before.se is not None
        note = "unpaired, and the chance of the shared reference counts twice: no influence values"
        return after.se**2 + before.se**2, False, note
    paired = _drawn_alike(_source(run, after.sample), _source(baseline, before.sample))
    paired = paired and len(new.sample) == len(old.sample)
    if paired:
        variance = Influence(sample=new.sample - old.sample).se ** 2
    else:
        variance = Influence(sample=new.sample).se ** 2 + Influence(sample=old.sample).se ** 2
    if new.reference is not None and old.reference is not None:
        variance += Influence(sample=new.reference - old.reference).se ** 2
    drawn = "both samples drawn alike" if paired else "samples drawn apart"
    return variance, paired, f"{'paired' if paired else 'unpaired'}: {drawn}"


def _same_images(run: Report, baseline: Report, after: ScoreRow, before: ScoreRow) -> bool:
    """Tell whether both samples are known to be the same images."""
    digest = _source(run, after.sample).get("digest")
    return digest is not None and digest == _source(baseline, before.sample).get("digest")


def _drawn_alike(source: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether sample i of two generators came of the same draws."""
    if {source.get("kind"), other.get("kind")} != {"generator"}:
        return False
    if source.get("skipped") or other.get("skipped") or source.get("used") != other.get("used"):
        return False
    mine, others = source.get("settings", {}), other.get("settings", {})
    return all(mine.get(key) == others.get(key) for key in DRAWING)


def _source(report: Report, location: str) -> Mapping[str, Any]:
    """Return what a report says of a source."""
    source: Mapping[str, Any] = report.provenance.get("sources", {}).get(location, {})
    return source


def _influence(report: Report, row: ScoreRow) -> Influence | None:
    """Return the influence values of a score, if they are known."""
    return report.influence.get((row.sample, row.reference, row.name))


def _numbers(row: ScoreRow) -> tuple[int, int | None]:
    """Return the numbers of images that a score depends on."""
    return row.num_sample, row.num_reference


def _no_error(run: Report, after: ScoreRow, before: ScoreRow) -> str:
    """Say why a difference of scores without standard errors is not trusted."""
    width = run.provenance.get("dimensions")
    if after.name != "fid" or width is None:
        return f"{after.name} has no standard error: {'; '.join(after.notes) or 'none is known'}"
    return (
        f"fid of {after.num_sample:,} images in {width:,} dimensions (baseline "
        f"{before.num_sample:,}, reference {after.num_reference or 0:,}) decides nothing: "
        f"{ENOUGH_EQUAL * width:,} are needed on every side if their numbers are equal, else "
        f"{ENOUGH_UNEQUAL * width:,}"
    )


def _enough(run: Report, name: str) -> int | None:
    """Return the number of images from which a difference of FID is trusted."""
    width = run.provenance.get("dimensions")
    return ENOUGH_EQUAL * width if name == "fid" and isinstance(width, int) else None
