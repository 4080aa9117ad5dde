"""Frechet Inception Distance."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ganeval.features.derived import Summary
from ganeval.metrics.base import Inputs, Need, Result, Role, Score, both_sides, by_role
from ganeval.metrics.parts.clusters import num_units
from ganeval.metrics.parts.frechet_error import Gaussian, distance, error_of
from ganeval.scores.kind import ScoreKind


@dataclass(frozen=True, slots=True)
class Fid:
    """Compute the Frechet distance between Gaussians fitted to the pooled features (FID).

    Estimand: |m_s - m_r|^2 + tr(S_s + S_r - 2 (S_s S_r)^(1/2)) with the means m and covariances S
    (ddof 1) of the sample and the reference.

    Reference: Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash
    Equilibrium", NeurIPS 2017, equation 6.
    Numbers: papers take 50,000 generated images; their references differ. An error is given from 5
    images per dimension on both sides: 10,240 for Inception.
    Bias: upwards, about C/N; large below a few images per dimension. Compare only at equal N.
    Direction: lower is better; 0 for equal moments.
    Misleads: the value falls with the number of images, so printed values are compared at equal
    numbers only (`compare` and `check` remove the bias). With no more images than dimensions (2,048
    for Inception) the covariance is singular, which a note says.

    Standard error and interval: they refer to the distance of infinitely many images, and lie
    around the extrapolated value (`debiased` in the details; see `FidDebiased`), so the interval
    seldom contains the score itself. They are given from 5 images per dimension on both sides. From
    2 images per dimension, a rough extrapolation lets a comparison show a large change, but never
    exclude one. A reference stored as statistics adds its part to the error through the moments of
    its quarters. Against statistics without quarters, as other tools write them, there is a value
    only.
    """

    common_name: ClassVar[str] = "Frechet Inception distance"
    over_clusters: ClassVar[bool] = True
    kinds: ClassVar[tuple[ScoreKind, ...]] = (
        ScoreKind(
            name="fid",
            direction="lower",
            bias="removable",
            error="influence",
            stream="fid",
            stands_in="kid",
            plotted_against=None,
        ),
    )

    @property
    def needs(self) -> tuple[Need, ...]:
        """Moments of both sides, each of at least 2 items."""
        return both_sides(form="moments", minimum=2, why="a covariance")

    def compute(self, inputs: Inputs, rng: np.random.Generator) -> Result:
        """Return the one score `fid`; its details have `debiased` where it has an interval."""
        (kind,) = self.kinds
        return frechet_result(kind, inputs, rng)


def frechet_result(kind: ScoreKind, inputs: Inputs, rng: np.random.Generator) -> Result:
    """Return the Frechet distance between a sample and a reference as a score of one kind."""
    summaries = by_role(inputs)
    sample, reference = sides_of(summaries)
    value = distance(sample, reference)
    error = error_of(value, sample, reference, rng, kind.stands_in)
    score = Score(
        kind=kind,
        value=value,
        se=error.se,
        interval=error.interval,
        details=error.details,
        notes=(*side_notes(summaries), error.note),
        cautions={**side_cautions(summaries), **error.cautions},
        influence=error.influence,
        enough=error.enough,
    )
    return Result(scores=(score,))


def sides_of(summaries: Mapping[Role, Summary]) -> tuple[Gaussian, Gaussian]:
    """Return the sample and the reference as sides of a distance."""
    sample, reference = (
        Gaussian(
            *(role, side.moments(), side.rows(), side),
            noun=side.noun,
            num=None if side.num is None else num_units(side.num, side.clusters),
            parts=side.parts(),
            clusters=side.clusters,
        )
        for role in ("sample", "reference")
        for side in (summaries[role],)
    )
    return sample, reference


def side_notes(summaries: Mapping[Role, Summary]) -> tuple[str, ...]:
    """Say what is unusual about the sides, sample first."""
    return (*_notes("sample", summaries["sample"]), *_notes("reference", summaries["reference"]))


def side_cautions(summaries: Mapping[Role, Summary]) -> dict[str, str]:
    """Return the cautions about the sides."""
    found = {}
    for role, summary in summaries.items():
        if summary.num is None:
            fact = f"the {role} does not say its number of {summary.noun}"
            found[fact] = "compare with scores against the same statistics only"
        elif not summary.moments().scatter.any():
            found[f"all {summary.noun} of the {role} have the same features"] = "look at them"
    return found


def _notes(role: Role, summary: Summary) -> list[str]:
    """Say what is unusual about one side."""
    num, noun, moments = summary.num, summary.noun, summary.moments()
    width = len(moments.mean)
    if num is None:
        return [f"{role}: stored statistics that do not say their number of {noun}"]
    if not moments.scatter.any():
        return [f"{role}: the {num} {noun} have the same features; the variance is zero"]
    if num <= width:
        return [
            f"{role}: {num} {noun} for {width} dimensions, so the covariance is singular; the "
            f"value is exact for these {noun} but far above the value for many {noun}"
        ]
    return []
