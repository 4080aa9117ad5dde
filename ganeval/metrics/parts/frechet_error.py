"""How far a Frechet distance is from that of infinitely many images: its error and its bias."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from ganeval.features.derived import Arrays, Summary
from ganeval.features.moments import Moments, merge_all
from ganeval.metrics.base import Role, rows_of
from ganeval.metrics.parts.extrapolation import (
    HALVES,
    Extrapolation,
    Indices,
    interval_of_infinitely_many,
    quarters,
)
from ganeval.metrics.parts.linalg import Matrix, Rows, frechet_distance
from ganeval.metrics.parts.transport import frechet_influence, optimal_maps
from ganeval.scores.influence import Influence

# Images per dimension from which the standard error is that of the spread, and from which the
# extrapolation leaves a bias well below it.
ENOUGH_FOR_ERROR = 2
ENOUGH_FOR_INTERVAL = 5
_BLOCK = 4096

NOT_FROM_ZERO = "without its bias not told apart from 0"
NO_ROWS = "no interval: only statistics of the sample are stored, and errors come from its features"


@dataclass(frozen=True, slots=True)
class Gaussian:
    """One side of a distance: the Gaussian that is fitted to its features.

    Attributes:
        role: Which.
        moments: Of the features.
        rows: The features, float32 [num, d]; None if only the moments are stored, which then count
            as exact.
        summary: Where values derived from all of the features are kept; None for a part of them.
        noun: What messages call the items.
    """

    role: Role
    moments: Moments
    rows: Rows | None
    summary: Summary | None = None
    noun: str = "items"

    @property
    def few_rows(self) -> Rows | None:
        """The rows where there are no more of them than dimensions, so that they are a factor."""
        return self.rows if self.moments.num <= len(self.moments.mean) else None

    def too_few(self, per_dimension: int) -> str | None:
        """Say that there are fewer random images per dimension, or return None."""
        width = len(self.moments.mean)
        if self.rows is None or len(self.rows) >= per_dimension * width:
            return None
        return (
            f"{self.role} of {len(self.rows):,} {self.noun}, fewer than {per_dimension * width:,}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """What can be said of the error of a distance.

    Attributes:
        se: Standard error, or None if there is no honest one.
        interval: 95 % interval of the distance of infinitely many images, or None likewise.
        debiased: The distance without its bias; None where that was not computed.
        influence: Of each image; None where the rows of the sample are not stored.
        note: What the interval is, or why there is none.
        cautions: See `Score`.
        enough: See `Score`.
    """

    se: float | None = None
    interval: tuple[float, float] | None = None
    debiased: float | None = None
    influence: Influence | None = None
    note: str
    cautions: Mapping[str, str] = field(default_factory=dict)
    enough: Mapping[str, int] = field(default_factory=dict)


def distance(sample: Gaussian, reference: Gaussian) -> float:
    """Return the squared Frechet distance between the Gaussians of both sides."""
    return frechet_distance(sample.moments, reference.moments, sample.few_rows, reference.few_rows)


def error_of(
    value: float,
    sample: Gaussian,
    reference: Gaussian,
    rng: np.random.Generator,
    stands_in: str | None,
) -> Error:
    """Return what is known of the error of the distance `value`.

    Eight eigenvalue problems with the one of the value: one with vectors for the influences, six
    for the bias, which are left out below 5 images per dimension.

    Args:
        value: The distance.
        sample: The one side.
        reference: The other.
        rng: Deals the items to parts.
        stands_in: The score that decides where this one cannot, for the advice.
    """
    use = "" if stands_in is None else f"use {stands_in}"
    if sample.rows is None:
        return Error(note=NO_ROWS)
    influence = influence_of(sample, reference)
    scarce = _scarce(ENOUGH_FOR_ERROR, sample, reference)
    if scarce:
        decide = f"; decide with {stands_in}" if use else ""
        note = f"no interval: {scarce} (2 per dimension), and no standard error{decide}"
        cautions = {
            few_items(sample, reference): "; ".join(filter(None, ["too few to compare", use]))
        }
        return Error(influence=influence, note=note, cautions=cautions, enough=enough_items(sample))
    scarce = _scarce(ENOUGH_FOR_INTERVAL, sample, reference)
    if scarce:
        note = (
            f"no interval: {scarce} (5 per dimension), so the bias is many standard errors; "
            f"se is the spread between draws, for differences at equal numbers of {sample.noun}"
        )
        advice = f"too few for an interval; compare at equal numbers of {sample.noun}"
        advice += f", or {use}" if use else ""
        cautions = {few_items(sample, reference): advice}
        return Error(se=influence.se, influence=influence, note=note, cautions=cautions)
    extrapolation, influence = debias(value, sample, reference, influence, rng)
    interval, note = interval_around(extrapolation.value, influence, sample.noun)
    return Error(
        se=influence.se,
        interval=interval,
        debiased=extrapolation.value,
        influence=influence,
        note=note,
        cautions={NOT_FROM_ZERO: "no interval"}
        if interval is None
        else interval_of_infinitely_many(sample.noun),
    )


def few_items(sample: Gaussian, reference: Gaussian) -> str:
    """Say how few random images the smaller side has for its dimensions."""
    sides = [side for side in (sample, reference) if side.rows is not None]
    few = min(sides, key=lambda side: side.moments.num)
    which = "" if few is sample else "reference "
    return f"{few.moments.num:,} {which}{few.noun} for {len(few.moments.mean):,} dimensions"


def enough_items(side: Gaussian) -> dict[str, int]:
    """Return from how many items on every side a distance has an error, and a value without bias.

    Errors are normal from these numbers of items per dimension on.
    """
    width = len(side.moments.mean)
    return {"se": ENOUGH_FOR_ERROR * width, "debiased": ENOUGH_FOR_INTERVAL * width}


def _scarce(per_dimension: int, *sides: Gaussian) -> str | None:
    """Name the first side with fewer images per dimension."""
    return next(filter(None, (side.too_few(per_dimension) for side in sides)), None)


def interval_around(
    debiased: float, influence: Influence, noun: str
) -> tuple[tuple[float, float] | None, str]:
    """Return the 95 % interval around an extrapolated distance and what to say of it.

    At distance 0 the first order vanishes and the limit is not normal, so where 0 is not excluded
    there is no interval.
    """
    half_width = 1.96 * influence.extrapolated_se
    if debiased <= half_width:
        return None, (f"no interval: {NOT_FROM_ZERO}, where the error is not normal")
    exact = "" if influence.reference is not None else ", with the reference's statistics exact"
    return (debiased - half_width, debiased + half_width), (
        f"interval of infinitely many {noun}{exact}, around the value without its bias"
    )


def influence_of(sample: Gaussian, reference: Gaussian) -> Influence:
    """Return the influence of each image on the distance; the sample must have rows."""
    forth, back = optimal_maps(
        sample.moments, reference.moments, sample.few_rows, reference.few_rows
    )
    assert sample.rows is not None
    of_sample = frechet_influence(sample.rows, sample.moments, reference.moments, forth)
    of_reference = None
    if reference.rows is not None:
        of_reference = frechet_influence(reference.rows, reference.moments, sample.moments, back)
    return Influence(sample=of_sample, reference=of_reference)


def debias(
    value: float, sample: Gaussian, reference: Gaussian, first: Influence, rng: np.random.Generator
) -> tuple[Extrapolation, Influence]:
    """Extrapolate a distance from random halves and quarters of every side that has rows.

    Each part of the sample is compared with one part of the reference, so the biases that both
    sides bring are removed together.

    Args:
        value: The distance of all images.
        sample: With rows, of 8 images at least.
        reference: Its moments are those of every part where it has no rows.
        first: The influences on `value`.
        rng: Deals the images to the parts.

    Returns:
        The extrapolation, and the influences with the remainder of the parts.
    """
    # The reference first, so that it is cut alike for samples of any size.
    reference_parts, sample_parts = _Parts.of(reference, rng), _Parts.of(sample, rng)
    halves, fourths = (
        [distance(sample_parts.join(which), reference_parts.join(which)) for which in whiches]
        for whiches in (HALVES, [(at,) for at in range(4)])
    )
    extrapolation = Extrapolation(value, halves, fourths)
    sides = [(first.sample, sample_parts.indices)]
    if first.reference is not None:
        sides.append((first.reference, reference_parts.indices))
    return extrapolation, replace(first, remainder=extrapolation.remainder(*sides))


@dataclass(frozen=True, slots=True)
class _Parts:
    """A side and its quarters; a side without rows is its own quarter."""

    side: Gaussian
    indices: tuple[Indices, ...]
    moments: tuple[Moments, ...]

    @classmethod
    def of(cls, side: Gaussian, rng: np.random.Generator) -> "_Parts":
        """Deal the rows of a side to four parts."""
        rows = side.rows
        if rows is None:
            return cls(side, (), ())
        indices = quarters(len(rows), rng)
        return cls(side, indices, _moments_of_parts(side, rows, indices))

    def join(self, which: tuple[int, ...]) -> Gaussian:
        """Return some of the quarters as one side."""
        if self.side.rows is None:
            return self.side
        moments = merge_all(self.moments[at] for at in which)
        rows = self.side.rows
        if moments.num <= len(moments.mean):
            rows = rows[np.concatenate([self.indices[at] for at in which])]
        return Gaussian(self.side.role, moments, rows)


def _moments_of_parts(
    side: Gaussian, rows: Rows, parts: tuple[Indices, ...]
) -> tuple[Moments, ...]:
    """Return the moments of parts of a side; those of a reference serve every sample."""
    if side.summary is None or side.role != "reference":
        return tuple(_moments_of(rows, part) for part in parts)
    arrays = side.summary.derived(MomentsOfParts(parts))
    return tuple(
        Moments(len(part), arrays[f"mean {at}"], arrays[f"scatter {at}"])
        for at, part in enumerate(parts)
    )


@dataclass(frozen=True, slots=True, eq=False)
class MomentsOfParts:
    """The moments of parts of a source.

    Attributes:
        parts: The rows of each part, int.
    """

    version: ClassVar[int] = 1
    keep: ClassVar[bool] = True
    parts: tuple[Indices, ...]

    def __call__(self, summary: Summary) -> Arrays:
        """Return `mean AT` float64 [d] and `scatter AT` float64 [d, d] of each part."""
        arrays: dict[str, Matrix] = {}
        for at, part in enumerate(self.parts):
            moments = _moments_of(rows_of(summary), part)
            arrays |= {f"mean {at}": moments.mean, f"scatter {at}": moments.scatter}
        return arrays


def _moments_of(rows: Rows, part: Indices) -> Moments:
    """Return the moments of some rows, of which few are made float64 at a time."""
    cuts = range(0, len(part), _BLOCK)
    return merge_all(Moments.of(rows[part[start : start + _BLOCK]]) for start in cuts)
