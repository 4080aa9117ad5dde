"""The difference between two scores against one reference, with its error and its p-value."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from ganeval.errors import MismatchError, UsageError
from ganeval.scores.conditions import conditions
from ganeval.scores.identity import (
    Findings,
    Identity,
    apart,
    compare_conditions,
    compare_preparation,
    compare_sides,
    identity_of,
    same_latents,
    same_order,
)
from ganeval.scores.influence import (
    Influence,
    Values,
    extrapolated_variance,
    mean_variance,
)
from ganeval.scores.label import label_of, name_in
from ganeval.scores.multiplicity import holm_adjusted
from ganeval.scores.noun import common_noun
from ganeval.scores.power import Precision, Variances, quantile, tail
from ganeval.scores.row import Key, ScoreRow, key_of

ALPHA = 0.05
# Above the part of a removed bias that was seen to be left (docs/measured/calibration.md): where
# there are enough images for an interval, and where there are not.
BIAS_LEFT = 0.05
ROUGH_BIAS_LEFT = 0.5
# Errors that are known of each score alone, with the note that a difference of two then has.
_ALONE = {
    "jackknife": "as if each had a reference of its own, so the error is rather too large",
    "runs": "as if the runs of both were independent",
}
LACKING = "no influence values are stored of both"
NO_ERROR = "no standard error of both"
# In the values of which kinds of score their bias still is, however it is told or removed.
_BIAS = dict.fromkeys(("removable", "depends-on-numbers"), "in the value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A score with all that a difference needs.

    Attributes:
        row: The score.
        influence: Of each image; None where it is not known.
        source: What the provenance says of the sample.
        others: What it says of the other sources that the score looks at, by role.
        provenance: All that the report says of its making.
    """

    row: ScoreRow
    influence: Influence | None
    source: Mapping[str, Any] = field(default_factory=dict)
    others: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sample_identity(self) -> Identity:
        """The identity of the sample."""
        return identity_of(self.source, self.row.sample, provenance=self.provenance)

    def identity(self, role: str) -> Identity | None:
        """Return the identity of what the score used of another source; None if it has none."""
        if role not in self.others or role not in self.row.roles:
            return None
        return identity_of(
            self.others[role],
            self.row.roles[role],
            label=self.row.label,
            provenance=self.provenance,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The score of one sample less that of another.

    Attributes:
        label: What the score is called, with its network and options.
        sample: The one.
        other: The other.
        roles: The locations of the other sources that both scores look at, by role.
        difference: Score of `sample` less score of `other`, both without bias where `method` says
            so.
        values: What is subtracted, without bias likewise.
        se: Standard error, or None if there is no honest one (a note says why).
        variances: What its square comes from.
        df: Degrees of freedom of the standard error; None for the normal distribution.
        bias_left: What may be left in `difference` of biases that were removed, either way: a part
            of how much they differed. Intervals, p-values and `detectable` allow for it.
        excludes: Whether the interval excludes what lies outside of it. Not where there are so few
            images that only a large difference can be shown, and none can be excluded.
        interval: 95 % interval, or None likewise.
        p_value: Two-sided, of no difference, or None likewise.
        p_adjusted: After Holm's correction over the pairs of a table.
        detectable: The smallest true difference that these numbers of images show in 80 % of cases
            at least, by the test that `p_adjusted` is of: two-sided at 0.05 over all pairs.
        paired: Whether image i of both comes from the same latents, and the error profits.
        method: What was subtracted: "debiased", "equal-numbers", "influence", "blocks",
            "jackknife", "runs", or "none".
        notes: What the reader must know.
    """

    label: str
    sample: str
    other: str
    roles: Mapping[str, str] = field(default_factory=dict)
    difference: float
    values: tuple[float, float] | None = None
    se: float | None = None
    variances: Variances = field(default_factory=Variances)
    df: float | None = None
    grows: bool = False
    bias_left: float = 0.0
    excludes: bool = True
    interval: tuple[float, float] | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    detectable: float | None = None
    paired: bool = False
    method: str
    notes: tuple[str, ...] = ()

    @property
    def reference(self) -> str | None:
        """What both were scored against; None for a score without a reference."""
        return self.roles.get("reference")

    @property
    def group(self) -> Key:
        """What the pairs have in common whose p-values are adjusted together."""
        return key_of("", self.roles, self.label)

    @property
    def precision(self) -> Precision:
        """How exactly the difference is known; it has a standard error."""
        assert self.values is not None
        return Precision(
            values=self.values,
            variances=self.variances,
            df=self.df,
            grows=self.grows,
            bias_left=self.bias_left,
        )

    def record(self) -> dict[str, Any]:
        """Return the difference as JSON values."""
        plain = asdict(self)
        label, sample, other, roles = (plain.pop(x) for x in ("label", "sample", "other", "roles"))
        sides = {"sample": sample, "other": other, "reference": self.reference}
        return {"name": name_in(label), **sides, **plain, "label": label, "roles": roles}


def difference(
    one: Measured,
    other: Measured,
    *,
    paired: bool | None = None,
    as_they_are: bool = False,
    over_runs: bool = False,
) -> Difference:
    """Return the difference between two scores of one metric against one reference.

    The reference's noise is in both scores, so the influences of its images are subtracted before
    their variance is taken; likewise those of the samples where image i of both comes from the same
    latents. Bounliphone et al., "A Test of Relative Similarity For Model Selection in Generative
    Models", ICLR 2016, do this for the kernel distance.

    Args:
        one: The score to subtract from.
        other: The score that is subtracted.
        paired: Whether image i of both comes from the same latents; None finds out for generators.
        as_they_are: Whether biased scores of equal numbers of images keep their biases, as the
            gate of older baselines compares them.
        over_runs: Whether both are of several training runs, whose spread is the error: then there
            is a difference where a single score has no error, and its only variance is that which
            the images of the reference add.

    Raises:
        MismatchError: The scores were made under other conditions or against another reference.
        UsageError: A pairing is asked for, of different numbers of images or of generators whose
            samples are drawn otherwise.
    """
    names = (f"for {one.row.sample}", f"for {other.row.sample}")
    findings = compare_measured(one, other, names)
    if findings.differing:
        raise MismatchError(
            ", ".join(findings.differing),
            "scores made under the same conditions against the same reference",
            findings.remedy,
        )
    found = _subtracted(one.row, other.row, as_they_are=as_they_are, over_runs=over_runs)
    found = replace(found, notes=(*found.notes, *_apart(one, other, names)))
    if found.method == "none":
        return found
    if over_runs:
        return replace(found, variances=Variances(reference=_of_reference(one, other)))
    if found.method in _ALONE:
        assert one.row.se is not None
        assert other.row.se is not None
        alone = Variances(one=one.row.se**2, other=other.row.se**2)
        return with_error(replace(found, variances=alone))
    if one.influence is None or other.influence is None:
        return replace(found, method="none", notes=(LACKING, *found.notes))
    if paired:
        _check_pairing(one, other, names)
    elif paired is None:
        paired = is_paired(one, other)
    aligned = _same_reference(one, other)
    if not aligned:
        note = "the reference comes in another order, so its noise is counted twice"
        found = replace(found, notes=(*found.notes, note))
    if found.method == "blocks":
        variances = _of_blocks(one.influence.sample, other.influence.sample)
    else:
        variances = _of_influences(
            one.influence,
            other.influence,
            paired=paired,
            aligned=aligned,
            extrapolated=found.method == "debiased" or one.row.kind.bias == "removed",
        )
    return replace(with_error(replace(found, variances=variances)), paired=paired)


def _same_reference(one: Measured, other: Measured) -> bool:
    """Tell whether the images of the reference, if they have influences, come in one order."""
    assert one.influence is not None
    assert other.influence is not None
    if one.influence.reference is None or other.influence.reference is None:
        return True
    real, other_real = one.identity("reference"), other.identity("reference")
    return real is not None and other_real is not None and same_order(real, other_real)


def _apart(one: Measured, other: Measured, names: tuple[str, str]) -> tuple[str, ...]:
    """Say by what two samples differ beside their items."""
    prepared: tuple[str, ...] = ()
    if one.source.get("kind") == other.source.get("kind"):
        sides = one.sample_identity, other.sample_identity
        prepared = compare_preparation(*sides, names).differing
    if one.row.partners == other.row.partners:
        return prepared
    return (*prepared, "each item has another partner, or there are other pairs")


def is_paired(one: Measured, other: Measured) -> bool:
    """Tell whether image i of both samples is the same, or is drawn alike by both generators."""
    if one.row.num_sample != other.row.num_sample:
        return False
    sides = one.sample_identity, other.sample_identity
    return same_order(*sides) or same_latents(one.source, other.source)


def _check_pairing(one: Measured, other: Measured, names: tuple[str, str]) -> None:
    """Refuse a pairing that the user asks for and that cannot be.

    Raises:
        UsageError: Different numbers of images, or generators whose samples are drawn otherwise.
    """
    noun = common_noun((one.row.noun, other.row.noun))
    needed = f"{noun[:-1]} i of both from the same latents, for a paired comparison"
    assert one.influence is not None
    assert other.influence is not None
    if len(one.influence.sample) != len(other.influence.sample):
        raise UsageError(
            f"{one.row.sample} and {other.row.sample} have different numbers of {noun}",
            needed,
            "leave --paired out, or score equal numbers",
        )
    reasons = apart(one.source, other.source, names)
    if reasons:
        raise UsageError(
            f"{one.row.sample} and {other.row.sample} are drawn apart: {', '.join(reasons)}",
            needed,
            "leave --paired out, or draw both alike",
        )


def _subtracted(
    one: ScoreRow, other: ScoreRow, *, as_they_are: bool, over_runs: bool
) -> Difference:
    """Return a difference without error, by the method that fits; "none" with the reason.

    What the score declares decides: a bias that depends on the numbers of images cancels at equal
    numbers only, so at others there is a difference only of values from which it is removed.
    """
    kind = one.kind
    plain = Difference(
        label=one.label,
        sample=one.sample,
        other=other.sample,
        roles=one.roles,
        difference=one.value - other.value,
        values=(one.value, other.value),
        grows=kind.grows,
        method="none",
    )
    stand_in = kind.stands_in and label_of(kind.stands_in, one.network, {})
    instead = "" if stand_in is None else f"; decide with {stand_in}"
    noun = common_noun((one.noun, other.noun))
    nums = f"{one.num_sample:,} and {other.num_sample:,} {noun}"
    equal = one.num_sample == other.num_sample
    # One of an older version may say it of a score whose bias is removed today.
    bias = "removable" if other.kind.bias == "removable" else kind.bias
    known = [row.se is not None or without_bias(row) is not None for row in (one, other)]
    if not over_runs and (
        (bias in ("none", "depends-on-numbers") and (one.se is None or other.se is None))
        or (as_they_are and not all(known))
    ):
        return replace(plain, notes=(f"{NO_ERROR}{instead}",))
    left_out = [row.details.get("left_out", 0.0) for row in (one, other)]
    if any(left_out):  # mostly the best items of each: the means say nothing of the rest
        counts = " and ".join(f"{num:,.0f}" for num in left_out)
        fact = f"{counts} {noun} are left out of the means, which are of other {noun}"
        return replace(plain, notes=(f"{fact}{instead}",))
    method = "influence"
    if as_they_are and equal and bias in ("removable", "depends-on-numbers"):
        method = "equal-numbers"
    elif bias == "removable" or bias == "removed":
        mine, others = without_bias(one), without_bias(other)
        # The older rule has no answer for what may fail but not pass.
        if mine is None or others is None or (as_they_are and (mine[2] or others[2])):
            enough = max((row.enough.get("se", 0) for row in (one, other)), default=0)
            needed = f"; {enough:,} are needed on every side" if enough else ""
            few_items = f"{nums} are too few to remove the bias{needed}{instead}"
            return replace(plain, notes=(few_items,))
        (value, removed, rough), (other_value, other_removed, other_rough) = mine, others
        rough = rough or other_rough
        part = ROUGH_BIAS_LEFT if rough else BIAS_LEFT
        plain = replace(
            plain,
            difference=value - other_value,
            values=(value, other_value),
            bias_left=part * abs(removed - other_removed),
            excludes=not rough,
        )
        method = "debiased"
    elif bias == "depends-on-numbers":
        if not equal:
            return replace(plain, notes=(f"{nums}: comparable at equal numbers only{instead}",))
        method = "equal-numbers"
    if kind.error != other.kind.error and "jackknife" in (kind.error, other.kind.error):
        method = "jackknife"  # one of the two is of an older version
    elif kind.error in (*_ALONE, "blocks"):
        method = kind.error
    return replace(plain, method=method, notes=tuple(filter(None, [_ALONE.get(method)])))


def without_bias(row: ScoreRow) -> tuple[float, float, bool] | None:
    """Return a score without its bias, how much was removed, and whether that is only rough.

    None if it is not known.
    """
    if row.kind.bias == "removed":
        biased, rough = row.details.get("biased"), "roughly_debiased" in row.details
        # Below, and in rough values of older versions, it is not known how much was left.
        if biased is None or (row.se is None and not rough and "debiased" not in row.details):
            return None
        return row.value, biased - row.value, rough
    for name in ("debiased", "roughly_debiased"):
        if name in row.details:
            value = row.details[name]
            return value, row.value - value, name != "debiased"
    return None


def holm(differences: Sequence[Difference]) -> tuple[Difference, ...]:
    """Return the differences of one metric with Holm's p-values, and what these can detect."""
    p_values = holm_adjusted([one.p_value for one in differences])
    num = max(sum(one.p_value is not None for one in differences), 1)
    return tuple(
        replace(
            one,
            p_adjusted=p_value,
            detectable=None
            if one.se is None or one.values is None
            else one.precision.detectable(ALPHA / 2 / num),
        )
        for one, p_value in zip(differences, p_values, strict=True)
    )


def joined(ones: Sequence[Difference], others: Sequence[Difference]) -> tuple[Difference, ...]:
    """Return the differences of two tables in one, with Holm's p-values over all of each score.

    Raises:
        MismatchError: One pair is in both with different answers.
    """
    both: dict[tuple[Key, frozenset[str]], Difference] = {}
    for one in (*ones, *others):
        known = both.setdefault((one.group, frozenset((one.sample, one.other))), one)
        if (abs(known.difference), known.se) != (abs(one.difference), one.se):
            raise MismatchError(
                f"{one.label} of {one.sample} - {one.other} differs between the reports",
                "one answer for each pair",
                "leave out the outdated report",
            )
    groups: dict[Key, list[Difference]] = {}
    for one in both.values():
        groups.setdefault(one.group, []).append(one)
    return tuple(one for group in groups.values() for one in holm(group))


def compare_measured(one: Measured, other: Measured, names: tuple[str, str]) -> Findings:
    """Find where two scores that are compared differ by more than the sample."""
    sides = [
        {
            "metric": side.row.name,
            f"options of {one.row.name}": dict(side.row.options),
            f"labels of {one.row.name}": side.row.labels,
            f"network of {one.row.name}": side.row.network or "that of the run",
            f"direction of {one.row.name}": side.row.direction,
            f"bias of {one.row.name}": _BIAS.get(side.row.kind.bias, side.row.kind.bias),
            **conditions(side.provenance, side.row),
        }
        for side in (one, other)
    ]
    found = compare_conditions(sides[0], sides[1], names)
    for role in dict.fromkeys([*one.row.roles, *other.row.roles]):
        mine, others = one.identity(role), other.identity(role)
        if mine is not None and others is not None:
            found += compare_sides(mine, others, names)
    return found


def _of_reference(one: Measured, other: Measured) -> float:
    """Return the variance that the images of the reference add to a difference, where known."""
    if one.influence is None or other.influence is None:
        return 0.0
    mine, others = one.influence.reference, other.influence.reference
    if mine is None or others is None:
        return 0.0
    return mean_variance(mine - others if mine.shape == others.shape else mine)


def _of_influences(
    one: Influence, other: Influence, *, paired: bool, aligned: bool, extrapolated: bool
) -> Variances:
    """Return the variances of a difference from the influences of both scores.

    The remainder of an extrapolation is subtracted too, see `extrapolated_variance`: the same
    random stream cuts both samples, so it is paired where they are.
    """
    variances = (
        Variances(paired=mean_variance(one.sample - other.sample))
        if paired
        else Variances(one=mean_variance(one.sample), other=mean_variance(other.sample))
    )
    if one.reference is not None and other.reference is not None:
        shared = (
            mean_variance(one.reference - other.reference)
            if aligned and one.reference.shape == other.reference.shape
            else mean_variance(one.reference) + mean_variance(other.reference)
        )
        variances = replace(variances, reference=shared)
    total = variances.total
    if not extrapolated or one.remainder is None or other.remainder is None or total == 0:
        return variances
    mine, others = np.atleast_2d(one.remainder), np.atleast_2d(other.remainder)
    num = min(len(mine), len(others))
    return variances.times(extrapolated_variance(total, mine[:num] - others[:num]) / total)


def _of_blocks(one: Values, other: Values) -> Variances:
    """Return the variances of a difference from the scores of the blocks, [partitions, blocks].

    Block by block, so that what the blocks of the reference add to both cancels.
    """
    alone = Variances(one=mean_variance(one), other=mean_variance(other))
    if one.shape != other.shape or alone.total == 0:
        return alone
    return alone.times(mean_variance(one - other) / alone.total)


def with_error(plain: Difference) -> Difference:
    """Return a difference with what follows from its variances."""
    value, se = plain.difference, math.sqrt(plain.variances.total)
    half_width = quantile(1 - ALPHA / 2, plain.df) * se + plain.bias_left
    beyond = max(abs(value) - plain.bias_left, 0.0)
    # Equal scores are no difference, even where nothing varies.
    deviations = math.inf if se == 0 and beyond > 0 else beyond / (se or 1.0)
    found = replace(
        plain,
        se=se,
        interval=(value - half_width, value + half_width),
        p_value=min(2 * tail(deviations, plain.df), 1.0),
    )
    return replace(found, detectable=found.precision.detectable(ALPHA / 2))
