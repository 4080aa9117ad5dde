"""The difference between two scores against one reference, with its error and its p-value."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ganeval.errors import MismatchError, UsageError
from ganeval.scores.conditions import conditions
from ganeval.scores.difference import Difference, with_error
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
)
from ganeval.scores.label import label_of
from ganeval.scores.noun import common_noun
from ganeval.scores.power import Variances
from ganeval.scores.row import ScoreRow
from ganeval.scores.variances import of_blocks, of_influences, of_reference, times

# More than the share of a removed bias that was seen to be left (docs/measured/calibration.md):
# with enough images for an interval, and with fewer.
BIAS_LEFT = 0.05
ROUGH_BIAS_LEFT = 0.5
# This many more images give an error from blocks one more degree of freedom (as in the metrics).
IMAGES_PER_FREEDOM = 20
# Kinds of errors that are known for each score alone, with the note for their difference.
_ALONE = {
    "jackknife": "as if each had its own reference, so the error is rather too large",
    "runs": "as if the runs of both were independent",
}
LACKING = "influence values are not stored for both"
NO_ERROR = "not both have a standard error"
# The kinds of bias that are still in the value of a score.
_BIAS = dict.fromkeys(("removable", "depends-on-numbers"), "in the value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A score with everything that a difference needs.

    Attributes:
        row: The score.
        influence: Influence of each image; None if unknown.
        source: Provenance of the sample.
        others: Provenance of the other sources that the score uses, by role.
        provenance: Provenance of the report.
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


def difference(
    one: Measured,
    other: Measured,
    *,
    paired: bool | None = None,
    as_they_are: bool = False,
    over_runs: bool = False,
    weight: float = 1.0,
) -> Difference:
    """Return the difference between two scores of one metric against one reference.

    The reference's noise is in both scores, so the influences of its images are subtracted before
    their variance is taken. The same is done for the samples if image i of both comes from the same
    latents. Bounliphone et al., "A Test of Relative Similarity For Model Selection in Generative
    Models", ICLR 2016, do this for the kernel distance.

    Args:
        one: The score to subtract from.
        other: The score that is subtracted.
        paired: Whether image i of both comes from the same latents; None detects it for generators.
        as_they_are: Whether biased scores of equal numbers of images keep their biases, as the gate
            does for older baselines.
        over_runs: Whether both come from several training runs, whose spread is the error. Then
            there is a difference even if a single score has no error, and its only variance is the
            one that the images of the reference add.
        weight: Factor of the other score: 1.1 to ask whether the one is more than a tenth above the
            other, if both have errors.

    Raises:
        MismatchError: The scores were made under other conditions or against another reference.
        UsageError: A pairing is asked for, but the numbers of images differ, or the generators draw
            their samples differently.
    """
    names = (f"for {one.row.sample}", f"for {other.row.sample}")
    findings = compare_measured(one, other, names)
    if findings.differing:
        raise MismatchError(
            ", ".join(findings.differing),
            "scores made under the same conditions against the same reference",
            findings.remedy,
        )
    found = _subtracted(
        one.row, other.row, as_they_are=as_they_are, over_runs=over_runs, weight=weight
    )
    found = replace(found, notes=(*found.notes, *_apart(one, other, names)))
    if found.method == "none":
        return found
    if over_runs:
        shared = of_reference(one.influence, other.influence, weight)
        return replace(found, variances=Variances(reference=shared))
    if found.method in _ALONE:
        assert one.row.se is not None
        assert other.row.se is not None
        alone = Variances(one=one.row.se**2, other=(weight * other.row.se) ** 2)
        return with_error(replace(found, variances=alone))
    if one.influence is None or other.influence is None:
        return replace(found, method="none", notes=(LACKING, *found.notes))
    if paired:
        _check_pairing(one, other, names)
    elif paired is None:
        paired = is_paired(one, other)
    aligned = _same_reference(one, other)
    if not aligned:
        note = "the references have different orders, so their noise is counted twice"
        found = replace(found, notes=(*found.notes, note))
    if found.method == "blocks":
        nums = [num for row in (one.row, other.row) for num in (row.num_sample, row.num_reference)]
        found = replace(found, df=min(num for num in nums if num) / IMAGES_PER_FREEDOM)
        variances = of_blocks(one.influence.sample, weight * other.influence.sample)
    else:
        variances, df = of_influences(
            one.influence,
            times(other.influence, weight),
            paired=paired,
            aligned=aligned,
        )
        found = replace(found, df=df)
    return replace(with_error(replace(found, variances=variances)), paired=paired)


def _same_reference(one: Measured, other: Measured) -> bool:
    """Tell whether the images of both references, if they have influences, have one order."""
    assert one.influence is not None
    assert other.influence is not None
    if one.influence.reference is None or other.influence.reference is None:
        return True
    real, other_real = one.identity("reference"), other.identity("reference")
    return real is not None and other_real is not None and same_order(real, other_real)


def _apart(one: Measured, other: Measured, names: tuple[str, str]) -> tuple[str, ...]:
    """Say in what two samples differ apart from their items."""
    prepared: tuple[str, ...] = ()
    if one.source.get("kind") == other.source.get("kind"):
        sides = one.sample_identity, other.sample_identity
        prepared = compare_preparation(*sides, names).differing
    if one.row.partners == other.row.partners:
        return prepared
    return (*prepared, "each item has another partner, or there are other pairs")


def is_paired(one: Measured, other: Measured) -> bool:
    """Tell whether image i of both samples is the same, or both generators draw it alike."""
    if one.row.num_sample != other.row.num_sample:
        return False
    sides = one.sample_identity, other.sample_identity
    return same_order(*sides) or same_latents(one.source, other.source)


def _check_pairing(one: Measured, other: Measured, names: tuple[str, str]) -> None:
    """Refuse an impossible pairing that the user asks for.

    Raises:
        UsageError: The numbers of images differ, or the generators draw differently.
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
    one: ScoreRow, other: ScoreRow, *, as_they_are: bool, over_runs: bool, weight: float
) -> Difference:
    """Return a difference without error, with the method that fits; "none" with the reason.

    The kind of the score decides. A bias that depends on the numbers of images cancels only at
    equal numbers; otherwise there is a difference only between values without bias.
    """
    kind = one.kind
    plain = Difference(
        label=one.label,
        sample=one.sample,
        other=other.sample,
        roles=one.roles,
        difference=one.value - weight * other.value,
        values=(one.value, weight * other.value),
        grows=kind.grows,
        method="none",
    )
    stand_in = kind.stands_in and label_of(kind.stands_in, one.network, {})
    instead = "" if stand_in is None else f"; decide with {stand_in}"
    noun = common_noun((one.noun, other.noun))
    nums = f"{one.num_sample:,} and {other.num_sample:,} {noun}"
    equal = one.num_sample == other.num_sample
    # An older version may say so about a score whose bias is removed today.
    bias = "removable" if other.kind.bias == "removable" else kind.bias
    known = [row.se is not None or without_bias(row) is not None for row in (one, other)]
    if not over_runs and (
        (bias in ("none", "depends-on-numbers") and (one.se is None or other.se is None))
        or (as_they_are and not all(known))
    ):
        return replace(plain, notes=(f"{NO_ERROR}{instead}",))
    left_out = [row.details.get("left_out", 0.0) for row in (one, other)]
    if any(left_out):  # mostly the best items of each, so the means of the rest are misleading
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
            difference=value - weight * other_value,
            values=(value, weight * other_value),
            bias_left=part * abs(removed - weight * other_removed),
            excludes=not rough,
        )
        method = "debiased"
    elif bias == "depends-on-numbers":
        if not equal:
            return replace(
                plain, notes=(f"{nums}: can be compared at equal numbers only{instead}",)
            )
        method = "equal-numbers"
    if kind.error != other.kind.error and "jackknife" in (kind.error, other.kind.error):
        method = "jackknife"  # one of the two is from an older version
    elif kind.error in (*_ALONE, "blocks"):
        method = kind.error
    return replace(plain, method=method, notes=tuple(filter(None, [_ALONE.get(method)])))


def without_bias(row: ScoreRow) -> tuple[float, float, bool] | None:
    """Return a score without its bias, how much was removed, and whether that is only rough.

    Return None if it is unknown.
    """
    if row.kind.bias == "removed":
        biased, rough = row.details.get("biased"), "roughly_debiased" in row.details
        # With fewer, and in rough values of older versions, it is unknown how much was left.
        if biased is None or (row.se is None and not rough and "debiased" not in row.details):
            return None
        return row.value, biased - row.value, rough
    for name in ("debiased", "roughly_debiased"):
        if name in row.details:
            value = row.details[name]
            return value, row.value - value, name != "debiased"
    return None


def compare_measured(one: Measured, other: Measured, names: tuple[str, str]) -> Findings:
    """Find in what, apart from the sample, two compared scores differ."""
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
