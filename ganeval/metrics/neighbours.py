"""Precision and recall, density and coverage, from counts of items in nearest-neighbour balls."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from ganeval.errors import UsageError
from ganeval.features.derived import Summary
from ganeval.metrics.base import Inputs, Need, Result, Role, Score, both_sides, by_role
from ganeval.metrics.parts.blocks import influence_of_blocks
from ganeval.metrics.parts.intervals import effective_number, wilson
from ganeval.metrics.parts.neighbourhood import Neighbourhood, neighbourhood
from ganeval.scores.differences import IMAGES_PER_FREEDOM
from ganeval.scores.influence import Influence
from ganeval.scores.kind import ScoreKind
from ganeval.scores.power import quantile

Inclusion = Literal["closed", "strict"]

# Precision uses the balls of the reference, recall those of the sample.
BALLS: tuple[Role, Role] = ("reference", "sample")
IMAGES_PER_NEIGHBOUR = (
    100  # on each side; from there the errors held in simulations, even of sparse laws
)


@dataclass(frozen=True, slots=True)
class PrecisionRecall:
    """Compute how much of the sample looks real, and how much of the real images it covers.

    Estimand: precision is the fraction of sample images that lie in the ball of some reference
    image, recall the fraction of reference images that lie in the ball of some sample image. The
    ball of an image reaches to its k-th nearest other image of its own side; distances are
    Euclidean between pooled features.

    Reference: Kynkaanniemi et al., "Improved Precision and Recall Metric for Assessing Generative
    Models", NeurIPS 2019, equations 1 and 2.
    Numbers: papers take 50,000 on each side. An error needs 100 images per neighbour on each side:
    300 for k = 3.
    Bias: balls shrink as images are added, so both depend on the numbers of images and on k;
    compare only if these agree. Both are sensitive to outliers, which have large balls.
    Direction: higher is better; from 0 to 1.
    Misleads: both depend on k and on the numbers of images. A single outlier makes a large ball,
    and recall rises with the spread of the sample, even if its images are bad.

    Standard error: from the scores of random halves and quarters of both sides, where block b of
    the sample is compared with block b of the reference (see `parts/blocks.py`). It covers random
    draws of both sides. Interval: Wilson's ("Probable Inference", JASA 1927), for the number of
    independent images that would have that error, with the quantile of Student's t. So it refers to
    the expected score at these numbers of images and this k.

    Attributes:
        k: Number of the neighbour that sets the radius.
        inclusion: Whether an image on the rim of a ball is inside: "closed" yes, "strict" no.
    """

    k: int = 3
    inclusion: Inclusion = "closed"

    common_name: ClassVar[str] = "precision and recall"
    kinds: ClassVar[tuple[ScoreKind, ...]] = (
        ScoreKind(
            name="precision",
            direction="higher",
            bias="depends-on-numbers",
            error="blocks",
            stream="pr",
            stands_in=None,
            plotted_against="recall",
        ),
        ScoreKind(
            name="recall",
            direction="higher",
            bias="depends-on-numbers",
            error="blocks",
            stream="pr",
            stands_in=None,
            plotted_against=None,
        ),
    )

    def __post_init__(self) -> None:
        """Refuse k < 1 (UsageError)."""
        _check_k("pr", self.k)

    @property
    def needs(self) -> tuple[Need, ...]:
        """Pooled features of both sides, with more than k items."""
        return _needs(self.k)

    def compute(self, inputs: Inputs, rng: np.random.Generator) -> Result:
        """Return `precision` and `recall`."""
        sides = by_role(inputs)
        has_error = _fewest(sides) >= _enough(self.k)
        near = neighbourhood(sides, self.k, in_blocks=has_error)
        closed = self.inclusion == "closed"
        blocks = near.blocks(rng if has_error else None)
        notes: list[str] = []
        cautions: dict[str, str] = {}
        num_sample, num_reference = len(near.sides["sample"]), len(near.sides["reference"])
        if num_sample != num_reference:
            numbers = f"{num_sample:,} sample and {num_reference:,} reference {near.noun}"
            cautions[numbers] = "compare only with scores of the same numbers"
            notes.append(
                f"{num_sample} sample and {num_reference} reference {near.noun}: comparable only "
                "with scores of the same numbers and the same k"
            )
        scores: list[Score] = []
        for kind, role, other in zip(self.kinds, BALLS, reversed(BALLS), strict=True):
            balls, _ = near.counts_within(role, self.k, blocks, closed=closed)
            inside = balls > 0
            value, num = float(inside[0].mean()), len(inside[0])
            influence = None
            if has_error:
                # Given the balls, the score is a fraction of independent images, which vary too.
                least = value * (1 - value) / num
                influence = influence_of_blocks(inside, blocks[other], least=least)
            score = _score(kind, value, influence, near, self.k, fraction_of=num)
            scores.append(
                replace(
                    score, notes=(*notes, *score.notes), cautions={**cautions, **score.cautions}
                )
            )
        return Result(scores=tuple(scores))


@dataclass(frozen=True, slots=True)
class DensityCoverage:
    """Compute how densely the sample lies among the real images, and how many it covers.

    Estimand: density is the number of reference balls that a sample image lies in, averaged over
    the sample and divided by k; coverage is the fraction of reference images with some sample image
    in their ball. The ball of a reference image reaches to its k-th nearest other reference image;
    distances are Euclidean between pooled features.

    Reference: Naeem et al., "Reliable Fidelity and Diversity Metrics for Generative Models", ICML
    2020, equations 3 and 4.
    Numbers: the same on both sides. An error needs 100 images per neighbour on each side: 500 for k
    = 5.
    Bias: density has mean 1 for equal distributions at any number of images; coverage then has mean
    1 - (M-1)...(M-k) / ((M+N-1)...(M+N-k)) for N sample and M reference images (ibid., appendix).
    Direction: higher is better; coverage from 0 to 1, density from 0, and it can exceed 1.
    Misleads: both depend on k and on the numbers of images, but less on outliers than precision and
    recall do. Coverage falls if the sample is smaller than the reference.

    Standard error and interval of coverage: as for precision. Interval of density: the value plus
    or minus the standard error times the quantile of Student's t.

    Attributes:
        k: Number of the neighbour that sets the radius.
        inclusion: Whether an image on the rim of a ball is inside: "closed" yes, "strict" no.
    """

    k: int = 5
    inclusion: Inclusion = "strict"

    common_name: ClassVar[str] = "density and coverage"
    kinds: ClassVar[tuple[ScoreKind, ...]] = (
        ScoreKind(
            name="density",
            direction="higher",
            bias="depends-on-numbers",
            error="blocks",
            stream="dc",
            stands_in=None,
            plotted_against=None,
        ),
        ScoreKind(
            name="coverage",
            direction="higher",
            bias="depends-on-numbers",
            error="blocks",
            stream="dc",
            stands_in=None,
            plotted_against=None,
        ),
    )

    def __post_init__(self) -> None:
        """Refuse k < 1 (UsageError)."""
        _check_k("dc", self.k)

    @property
    def needs(self) -> tuple[Need, ...]:
        """Pooled features of both sides, with more than k items."""
        return _needs(self.k)

    def compute(self, inputs: Inputs, rng: np.random.Generator) -> Result:
        """Return `density` and `coverage`."""
        sides = by_role(inputs)
        has_error = _fewest(sides) >= _enough(self.k)
        near = neighbourhood(sides, self.k, in_blocks=has_error)
        closed = self.inclusion == "closed"
        blocks = near.blocks(rng if has_error else None)
        balls, held = near.counts_within("reference", self.k, blocks, closed=closed)
        densities, covered = balls / self.k, held > 0
        of_density = of_coverage = None
        if has_error:
            # Given the balls, the score is a mean over independent images, which vary too.
            least = float(densities[0].var(ddof=1)) / densities.shape[1]
            of_density = influence_of_blocks(densities, blocks["sample"], least=least)
            of_coverage = influence_of_blocks(covered, blocks["reference"], least=0.0)
        density, coverage = self.kinds
        value, num = float(balls[0].sum() / (self.k * balls.shape[1])), covered.shape[1]
        share = float(covered[0].mean())
        return Result(
            scores=(
                _score(density, value, of_density, near, self.k),
                _score(coverage, share, of_coverage, near, self.k, fraction_of=num),
            )
        )


def _enough(k: int) -> int:
    """Return how many images on each side an error needs."""
    return IMAGES_PER_NEIGHBOUR * max(k, 3)


def _fewest(sides: Mapping[Role, Summary]) -> int:
    """Return the number of images of the smaller side."""
    return min(side.num or 0 for side in sides.values())


def _score(
    kind: ScoreKind,
    value: float,
    influence: Influence | None,
    near: Neighbourhood,
    k: int,
    *,
    fraction_of: int | None = None,
) -> Score:
    """Return a score with its error and interval, or with the reason why it has none.

    Args:
        kind: Kind of the score.
        value: The score.
        influence: Influence of each image, from blocks; None if there are too few images.
        near: Both sides with their neighbours.
        k: Number of the neighbour that sets the radius.
        fraction_of: Number of images of which the score is a fraction; None if it is not one.
    """
    few, enough = min(map(len, near.sides.values())), _enough(k)
    if influence is None:
        return Score(
            kind=kind,
            value=value,
            notes=(f"no standard error, no interval: needs {enough} {near.noun} on each side",),
            cautions={
                f"{few} {near.noun} on the smaller "
                "side": f"too few for a standard error ({enough} are needed)"
            },
            enough={"se": enough},
        )
    se, reach = influence.se, quantile(0.975, few / IMAGES_PER_FREEDOM)
    interval: tuple[float, float] | None = None
    if fraction_of is not None:
        interval = wilson(value, effective_number(value, fraction_of, se), reach)
    elif se > 0:
        interval = (max(value - reach * se, 0.0), value + reach * se)
    note = (
        "se and interval refer to the expected score at these numbers and k; from disjoint blocks"
    )
    if se == 0:
        reason = "all blocks have one score"
        note = f"no standard error: {reason}; the interval is that of independent {near.noun}"
        if interval is None:
            note = f"no standard error, no interval: {reason}"
    return Score(
        kind=kind,
        value=value,
        se=se or None,
        interval=interval,
        notes=(note,),
        influence=influence if se > 0 else None,
    )


def _check_k(metric: str, k: int) -> None:
    """Raise UsageError unless k is at least 1."""
    if k < 1:
        raise UsageError(f"{metric} has k={k}", "at least 1", "raise k")


def _needs(k: int) -> tuple[Need, ...]:
    """Return what both metrics need."""
    return both_sides(minimum=k + 1, why=f"{k} neighbours (k={k})")
