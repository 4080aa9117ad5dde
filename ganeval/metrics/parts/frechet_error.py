"""Estimate the error and the bias of a Frechet distance, compared with infinitely many images."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from ganeval.features.derived import Arrays, Summary
from ganeval.features.moments import Moments, merge_all
from ganeval.metrics.base import Role, rows_of
from ganeval.metrics.parts.clusters import Clusters, over_units, parts_of
from ganeval.metrics.parts.extrapolation import (
    FOURTHS,
    HALVES,
    Indices,
    extrapolated,
    interval_of_infinitely_many,
    note_of_interval,
)
from ganeval.metrics.parts.intervals import of_distance
from ganeval.metrics.parts.linalg import Matrix, Rows, frechet_distance
from ganeval.metrics.parts.transport import (
    frechet_influence,
    influence_of_parts,
    optimal_maps,
)
from ganeval.scores.influence import Influence

# Images per dimension from which extrapolation leaves a bias well below the standard error, and
# from which it leaves at most half of the bias, so that a large change can still be shown.
ENOUGH_FOR_INTERVAL = 5
ENOUGH_FOR_CHANGE = 2
_BLOCK = 4096

NO_ROWS = "no interval: only statistics of the sample are stored, and errors come from its features"
NO_PARTS = (
    "no interval: the reference's statistics have no moments of quarters, so their error is "
    "unknown and their bias stays; make them again with this version's `ganeval stats make`"
)


@dataclass(frozen=True, slots=True)
class Gaussian:
    """One side of a distance: the Gaussian fitted to its features.

    Attributes:
        role: Role of the source.
        moments: Moments of the features.
        rows: The features, float32 [num, d]; None if only the moments are stored.
        summary: Keeps values derived from all features; None for a part of the features.
        noun: Plural noun of the items in messages.
        num: Number of independent units: clusters, if the items have them, else items; None if
            stored moments do not say it.
        clusters: The cluster of each row; None if rows are independent.
        parts: The moments of four random parts, if these are stored instead of rows.
    """

    role: Role
    moments: Moments
    rows: Rows | None
    summary: Summary | None = None
    noun: str = "items"
    num: int | None = None
    parts: tuple[Moments, ...] | None = None
    clusters: Clusters | None = None

    @property
    def few_rows(self) -> Rows | None:
        """The rows, if they are no more than dimensions and so serve as a factor; else None."""
        return self.rows if self.moments.num <= len(self.moments.mean) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """What is known about the error of a distance.

    Attributes:
        se: Standard error of the distance without its bias, or None if there is no honest one.
        interval: 95 % interval of the distance of infinitely many images, or None if `se` is None.
        details: `debiased`, the distance without its bias, if there are enough images;
            `roughly_debiased` with fewer, when much of the bias may be left.
        influence: Influence of each image; None if the rows of the sample are not stored.
        note: What the interval refers to, or why there is none.
        cautions: See `Score`.
        enough: See `Score`.
    """

    se: float | None = None
    interval: tuple[float, float] | None = None
    details: Mapping[str, float] = field(default_factory=dict)
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
    """Return what is known about the error of the distance `value`.

    The bias is many standard errors, so only the value without its bias has an error. All in all
    there are twelve eigenvalue problems: one for the value, one with vectors for the influences,
    ten for the bias.

    Args:
        value: The distance.
        sample: The one side.
        reference: The other.
        rng: Random generator that deals the items to parts.
        stands_in: The score that decides if this one cannot, for the advice.
    """
    if sample.rows is None:
        return Error(note=NO_ROWS)
    width, noun = len(sample.moments.mean), sample.noun
    few, which = _fewest(sample, reference)
    counted = f"{few:,} {which} for {width:,} dimensions"
    needed = ENOUGH_FOR_INTERVAL * width
    use = "" if stands_in is None else f", or use {stands_in}"
    influence = influence_of(sample, reference)
    if few < ENOUGH_FOR_CHANGE * width:
        return Error(
            influence=influence,
            note=f"no interval: {counted}, {needed:,} are needed (5 per dimension)",
            cautions={counted: f"too few to compare; {needed:,} are needed{use}"},
            enough={"se": needed},
        )
    debiased = without_bias(value, sample, reference, rng)
    if few < needed:
        return Error(
            details={"roughly_debiased": debiased},
            influence=influence,
            note=f"no interval: {counted}, {needed:,} are needed (5 per dimension); large changes "
            "can be shown, but no change can be excluded",
            cautions={counted: f"too few for an interval; {needed:,} are needed{use}"},
            enough={"se": needed},
        )
    details = {"debiased": debiased}
    if influence.reference is None:
        return Error(
            details=details,
            influence=influence,
            note=NO_PARTS,
            cautions={"the reference's statistics have no moments of quarters": "no interval"},
        )
    se = influence.se
    return Error(
        se=se,
        interval=of_distance(debiased, se, influence.df),
        details=details,
        influence=influence,
        note=note_of_interval(noun),
        cautions=interval_of_infinitely_many(noun),
    )


def _fewest(sample: Gaussian, reference: Gaussian) -> tuple[int, str]:
    """Return the number of independent items of the smaller side, and their name.

    A reference that does not say its number cannot be the smaller one.
    """
    assert sample.num is not None
    side, num, which = sample, sample.num, ""
    if reference.num is not None and reference.num < num:
        side, num, which = reference, reference.num, "reference "
    return num, f"{which}{side.noun if side.clusters is None else f'clusters of {side.noun}'}"


def influence_of(sample: Gaussian, reference: Gaussian) -> Influence:
    """Return the influence of each independent unit on the distance; the sample must have rows.

    For a reference with stored parts it is the influence of the parts. Other stored statistics have
    none, and count as exact.
    """
    forth, back = optimal_maps(
        sample.moments, reference.moments, sample.few_rows, reference.few_rows
    )
    assert sample.rows is not None
    of_sample = frechet_influence(sample.rows, sample.moments, reference.moments, forth)
    of_reference = None
    if reference.rows is not None:
        of_images = frechet_influence(reference.rows, reference.moments, sample.moments, back)
        of_reference = over_units(of_images, reference.clusters)
    elif reference.parts is not None:
        of_reference = influence_of_parts(reference.parts, reference.moments, sample.moments, back)
    return Influence(sample=over_units(of_sample, sample.clusters), reference=of_reference)


def without_bias(
    value: float, sample: Gaussian, reference: Gaussian, rng: np.random.Generator
) -> float:
    """Extrapolate a distance from random halves and quarters of every side that has rows or parts.

    Each part of the sample is compared with one part of the reference, so the biases that both
    sides bring are removed together.

    Args:
        value: The distance of all images.
        sample: The sample, with rows of at least 8 images.
        reference: The reference; if it has neither rows nor parts, its moments serve every part.
        rng: Random generator that deals the images to the parts.
    """
    # The reference is dealt first, so that it is cut alike for samples of any size; what is derived
    # from its parts then serves them all.
    real, own = _Parts.of(reference, rng), _Parts.of(sample, rng)
    halves, fourths = (
        [distance(own.join(at), real.join(at)) for at in which] for which in (HALVES, FOURTHS)
    )
    return extrapolated(value, halves, fourths)


@dataclass(frozen=True, slots=True)
class _Parts:
    """A side and its quarters; stored statistics without parts are their own quarter.

    Attributes:
        side: The side.
        indices: Its units (rows or stored parts) in each quarter.
        moments: Moments of each quarter.
    """

    side: Gaussian
    indices: tuple[Indices, ...]
    moments: tuple[Moments, ...]

    @classmethod
    def of(cls, side: Gaussian, rng: np.random.Generator) -> "_Parts":
        """Deal the rows of a side to four parts."""
        rows = side.rows
        if rows is not None:
            indices = parts_of(len(rows), rng, side.clusters)
            return cls(side, indices, _moments_of_parts(side, rows, indices))
        if side.parts is not None:
            return cls(side, tuple(np.array([at]) for at in range(4)), side.parts)
        return cls(side, (), ())

    def join(self, which: tuple[int, ...]) -> Gaussian:
        """Return some of the quarters as one side."""
        if not self.moments:
            return self.side
        moments, rows = merge_all(self.moments[at] for at in which), self.side.rows
        if rows is not None and moments.num <= len(moments.mean):
            rows = rows[np.concatenate([self.indices[at] for at in which])]
        return Gaussian(self.side.role, moments, rows)


def _moments_of_parts(
    side: Gaussian, rows: Rows, parts: tuple[Indices, ...]
) -> tuple[Moments, ...]:
    """Return the moments of parts of a side; the reference's are kept for every sample."""
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
    """Return the moments of some rows, a few of which are converted to float64 at a time."""
    cuts = range(0, len(part), _BLOCK)
    return merge_all(Moments.of(rows[part[start : start + _BLOCK]]) for start in cuts)
