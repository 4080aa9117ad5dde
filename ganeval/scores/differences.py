"""The difference between two scores against one reference, with its error and its p-value."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any


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
from ganeval.scores.influence import Influence, mean_variance
from ganeval.scores.label import label_of, name_in
from ganeval.scores.multiplicity import holm_adjusted
from ganeval.scores.noun import common_noun
from ganeval.scores.row import Key, ScoreRow, key_of

DETECTABLE = 2.49  # standard errors: one-sided alpha 0.05 and power 0.8, 1.645 + 0.842
ALPHA = 0.05
# Above the part of a removed bias that was seen to be left on real pictures (docs/calibration.md).
BIAS_LEFT = 0.05
# Errors that are known of each score alone, with the note that a difference of two then has.
_ALONE = {
    "jackknife": "as if each had a reference of its own, so the error is rather too large",
    "runs": "as if the runs of both were independent",
}


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
        se: Standard error, or None if there is no honest one (a note says why).
        bias_left: What may be left in `difference` of biases that were removed, either way: a
            twentieth of how much they differed. Intervals, p-values and `detectable` allow for it.
        interval: 95 % interval, or None likewise.
        p_value: Two-sided, of no difference, or None likewise.
        p_adjusted: After Holm's correction over the pairs of a table.
        detectable: The smallest true difference that these numbers of images would have shown with
            a power of 0.8, one-sided at 0.05: 2.49 standard errors and `bias_left`.
        paired: Whether image i of both comes from the same latents, and the error profits.
        method: What was subtracted: "debiased", "equal-numbers", "influence", "jackknife", "runs",
            or "none".
        notes: What the reader must know.
    """

    label: str
    sample: str
    other: str
    roles: Mapping[str, str] = field(default_factory=dict)
    difference: float
    se: float | None = None
    bias_left: float = 0.0
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

    def record(self) -> dict[str, Any]:
        """Return the difference as JSON values."""
        plain = asdict(self)
        label, sample, other, roles = (plain.pop(x) for x in ("label", "sample", "other", "roles"))
        sides = {"sample": sample, "other": other, "reference": self.reference}
        return {"name": name_in(label), **sides, **plain, "label": label, "roles": roles}


def difference(
    one: Measured, other: Measured, *, paired: bool | None = None, as_they_are: bool = False
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
        as_they_are: Whether biased scores of equal numbers of images keep their biases, which
            nearly cancel between versions of one generator; the error is then the smaller and the
            better known.

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
    found = _subtracted(one.row, other.row, as_they_are=as_they_are)
    found = replace(found, notes=(*found.notes, *_apart(one, other, names)))
    if found.method in _ALONE:
        assert one.row.se is not None
        assert other.row.se is not None
        return _with_error(found, math.hypot(one.row.se, other.row.se))
    if found.method == "none":
        return found
    if one.influence is None or other.influence is None:
        lacking = "no influence values are stored of both"
        return replace(found, method="none", notes=(lacking, *found.notes))
    if paired:
        _check_pairing(one, other, names)
    elif paired is None:
        paired = is_paired(one, other)
    aligned = True
    if one.influence.reference is not None and other.influence.reference is not None:
        real, other_real = one.identity("reference"), other.identity("reference")
        aligned = real is not None and other_real is not None and same_order(real, other_real)
        if not aligned:
            note = "the reference comes in another order, so its noise is counted twice"
            found = replace(found, notes=(*found.notes, note))
    se = _standard_error(
        one.influence,
        other.influence,
        paired=paired,
        aligned=aligned,
        with_remainder=found.method == "debiased" or one.row.kind.bias == "removed",
    )
    return replace(_with_error(found, se), paired=paired)


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


def _subtracted(one: ScoreRow, other: ScoreRow, *, as_they_are: bool) -> Difference:
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
        method="none",
    )
    stand_in = kind.stands_in and label_of(kind.stands_in, one.network, {})
    instead = "" if stand_in is None else f"; decide with {stand_in}"
    noun = common_noun((one.noun, other.noun))
    nums = f"{one.num_sample:,} and {other.num_sample:,} {noun}"
    equal = one.num_sample == other.num_sample
    if one.se is None or other.se is None:
        return replace(plain, notes=(f"no standard error of both{instead}",))
    left_out = [row.details.get("left_out", 0.0) for row in (one, other)]
    if any(left_out):  # mostly the best items of each: the means say nothing of the rest
        counts = " and ".join(f"{num:,.0f}" for num in left_out)
        fact = f"{counts} {noun} are left out of the means, which are of other {noun}"
        return replace(plain, notes=(f"{fact}{instead}",))
    bias_left = 0.0
    if kind.bias == "removed":
        removed = [row.details.get("biased") for row in (one, other)]
        if None in removed:
            return replace(plain, notes=(f"not known how much bias was removed{instead}",))
        bias_left = BIAS_LEFT * abs(
            (one.details["biased"] - one.value) - (other.details["biased"] - other.value)
        )
    debiased = [row.details.get("debiased") for row in (one, other)]
    if kind.bias == "removable" and None not in debiased and not (as_they_are and equal):
        ones, others = one.details["debiased"], other.details["debiased"]
        bias_left = BIAS_LEFT * abs((one.value - ones) - (other.value - others))
        plain = replace(plain, difference=ones - others)
        method = "debiased"
    elif kind.bias in ("removable", "depends-on-numbers"):
        if not equal:
            few, unequal = " are too few to remove the bias", ": comparable at equal numbers only"
            reason = few if kind.bias == "removable" else unequal
            return replace(plain, notes=(f"{nums}{reason}{instead}",))
        method = "equal-numbers"
    else:
        method = "influence"
    if kind.error in _ALONE:
        return replace(plain, method=kind.error, bias_left=bias_left, notes=(_ALONE[kind.error],))
    return replace(plain, method=method, bias_left=bias_left)


def holm(differences: Sequence[Difference]) -> tuple[Difference, ...]:
    """Return the differences of one metric with Holm's p-values."""
    p_values = holm_adjusted([one.p_value for one in differences])
    return tuple(
        replace(one, p_adjusted=p_value) for one, p_value in zip(differences, p_values, strict=True)
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
            **{
                f"{what} of {one.row.name}": getattr(side.row.kind, what)
                for what in ("direction", "bias", "error")
            },
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


def _standard_error(
    one: Influence, other: Influence, *, paired: bool, aligned: bool, with_remainder: bool
) -> float:
    """Return the standard error of a difference from the influences of both scores.

    The remainder of an extrapolation is subtracted too, see `Influence.extrapolated_se`: the same
    random stream cuts both samples, so it is paired where they are.
    """
    variance = 0.0
    if paired:
        variance += mean_variance(one.sample - other.sample)
    else:
        variance += mean_variance(one.sample) + mean_variance(other.sample)
    if one.reference is not None and other.reference is not None:
        if aligned:
            variance += mean_variance(one.reference - other.reference)
        else:
            variance += mean_variance(one.reference) + mean_variance(other.reference)
    if with_remainder and one.remainder is not None and other.remainder is not None:
        variance += mean_variance(one.remainder - other.remainder)
    return math.sqrt(variance)


def _with_error(plain: Difference, se: float) -> Difference:
    """Return a difference with its error, by the normal distribution."""
    value = plain.difference
    half_width = 1.96 * se + plain.bias_left
    beyond = max(abs(value) - plain.bias_left, 0.0)
    # Equal scores are no difference, even where nothing varies.
    deviations = math.inf if se == 0 and beyond > 0 else beyond / (se or 1.0)
    return replace(
        plain,
        se=se,
        interval=(value - half_width, value + half_width),
        p_value=math.erfc(deviations / math.sqrt(2)),
        detectable=DETECTABLE * se + plain.bias_left,
    )
