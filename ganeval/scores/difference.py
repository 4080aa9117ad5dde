"""The difference between two scores: a value with its error, and tests over several."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ganeval.errors import MismatchError
from ganeval.scores.label import name_in
from ganeval.scores.multiplicity import holm_adjusted
from ganeval.scores.power import Precision, Variances, quantile, tail
from ganeval.scores.row import Key, key_of

ALPHA = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The score of one sample minus that of another.

    Attributes:
        label: Label of the score, with its network and options.
        sample: The first sample.
        other: The second sample.
        roles: Locations of the other sources that both scores use, by role.
        difference: Score of `sample` minus score of `other`, both without bias if `method` says so.
        values: The two values, without bias if `difference` is without bias.
        se: Standard error, or None if there is no honest one (a note says why).
        variances: The parts of its square.
        df: Degrees of freedom of the standard error; None for the normal distribution.
        bias_left: Bias that may be left in `difference` after removal, in either direction: a share
            of the difference of the removed biases. Intervals, p-values and `detectable` allow for
            it.
        excludes: Whether the interval excludes the differences outside it. It does not if there are
            so few images that a large difference can be shown, but none can be excluded.
        interval: 95 % interval, or None if `se` is None.
        p_value: Two-sided p-value for no difference, or None if `se` is None.
        p_adjusted: The p-value after Holm's correction over the pairs of a table.
        detectable: The smallest true difference that these numbers of images show in at least 80 %
            of cases, by the test of `p_adjusted`: two-sided at 0.05 over all pairs.
        paired: Whether image i of both comes from the same latents, which lowers the error.
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
        """The reference of both; None for a score without a reference."""
        return self.roles.get("reference")

    @property
    def group(self) -> Key:
        """The key of the pairs whose p-values are adjusted together."""
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


def with_error(plain: Difference) -> Difference:
    """Return a difference with everything that follows from its variances."""
    value, se = plain.difference, math.sqrt(plain.variances.total)
    half_width = quantile(1 - ALPHA / 2, plain.df) * se + plain.bias_left
    beyond = max(abs(value) - plain.bias_left, 0.0)
    # Equal scores do not differ, even if nothing varies.
    deviations = math.inf if se == 0 and beyond > 0 else beyond / (se or 1.0)
    found = replace(
        plain,
        se=se,
        interval=(value - half_width, value + half_width),
        p_value=min(2 * tail(deviations, plain.df), 1.0),
    )
    return replace(found, detectable=found.precision.detectable(ALPHA / 2))


def holm(differences: Sequence[Difference]) -> tuple[Difference, ...]:
    """Return the differences of one metric with Holm's p-values and detectable differences."""
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
    """Return the differences of two tables together, with Holm's p-values over all of each score.

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
