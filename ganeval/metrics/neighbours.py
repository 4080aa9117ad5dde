"""Precision and recall, density and coverage: who lies in whose nearest-neighbour balls."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from ganeval.errors import UsageError
from ganeval.metrics.base import Needs, Role, Score, Summary
from ganeval.metrics.distances import Points, memberships, on_common_centre, squared_radii

Inclusion = Literal["closed", "strict"]

NO_INTERVAL = "no interval: nearest neighbours change by jumps, and resampling misjudges them"


@dataclass(frozen=True, slots=True)
class PrecisionRecall:
    """Compute how much of the sample looks real, and how much of the real is covered.

    Estimand: precision is the fraction of sample images that lie in the ball of some reference
    image, recall the fraction of reference images that lie in the ball of some sample image. The
    ball of an image reaches to its k-th nearest other image of its own side; distances are
    Euclidean between pooled features.

    Reference: Kynkaanniemi et al., "Improved Precision and Recall Metric for Assessing Generative
    Models", NeurIPS 2019, equations 1 and 2.
    Bias: balls shrink as images are added, so both depend on the numbers of images and on k;
    compare only where these agree. Sensitive to outliers, which have large balls.
    Direction: higher is better; from 0 to 1.

    Attributes:
        k: Which neighbour sets the radius.
        inclusion: Whether an image on the rim of a ball is inside: "closed" yes, "strict" no.
    """

    k: int = 3
    inclusion: Inclusion = "closed"

    scores: ClassVar[tuple[str, ...]] = ("precision", "recall")

    def __post_init__(self) -> None:
        """Refuse k < 1 (UsageError)."""
        _check_k("pr", self.k)

    @property
    def needs(self) -> Needs:
        """Pooled features of both sides, of more than k images."""
        return _needs(self.k)

    def compute(
        self, summaries: Mapping[Role, Summary], rng: np.random.Generator
    ) -> tuple[Score, ...]:
        """Return `precision` and `recall`."""
        sample, reference = _points(summaries)
        closed = self.inclusion == "closed"
        balls = memberships(reference, squared_radii(reference, self.k), sample, closed=closed)[0]
        precision = float((balls > 0).mean())
        balls = memberships(sample, squared_radii(sample, self.k), reference, closed=closed)[0]
        recall = float((balls > 0).mean())
        notes = [NO_INTERVAL]
        if len(sample) != len(reference):
            notes.insert(
                0,
                f"{len(sample)} sample and {len(reference)} reference images: comparable only with "
                "scores of the same numbers and the same k",
            )
        return (
            Score(name="precision", value=precision, direction="higher", notes=tuple(notes)),
            Score(name="recall", value=recall, direction="higher", notes=tuple(notes)),
        )


@dataclass(frozen=True, slots=True)
class DensityCoverage:
    """Compute how densely the sample sits among the real images, and how many it covers.

    Estimand: density is the number of reference balls that a sample image lies in, averaged over
    the sample and divided by k; coverage is the fraction of reference images with some sample image
    in their ball. The ball of a reference image reaches to its k-th nearest other reference image;
    distances are Euclidean between pooled features.

    Reference: Naeem et al., "Reliable Fidelity and Diversity Metrics for Generative Models", ICML
    2020, equations 3 and 4.
    Bias: density has mean 1 for equal distributions at any number of images; coverage then has mean
    1 - (M-1)...(M-k) / ((M+N-1)...(M+N-k)) for N sample and M reference images (ibid., appendix).
    Direction: higher is better; coverage from 0 to 1, density from 0, and it can exceed 1.

    Attributes:
        k: Which neighbour sets the radius.
        inclusion: Whether an image on the rim of a ball is inside: "closed" yes, "strict" no.
    """

    k: int = 5
    inclusion: Inclusion = "strict"

    scores: ClassVar[tuple[str, ...]] = ("density", "coverage")

    def __post_init__(self) -> None:
        """Refuse k < 1 (UsageError)."""
        _check_k("dc", self.k)

    @property
    def needs(self) -> Needs:
        """Pooled features of both sides, of more than k images."""
        return _needs(self.k)

    def compute(
        self, summaries: Mapping[Role, Summary], rng: np.random.Generator
    ) -> tuple[Score, ...]:
        """Return `density` and `coverage`."""
        sample, reference = _points(summaries)
        balls, held = memberships(
            reference,
            squared_radii(reference, self.k),
            sample,
            closed=self.inclusion == "closed",
        )
        density = float(balls.sum() / (self.k * len(sample)))
        coverage = float((held > 0).mean())
        notes = (NO_INTERVAL,)
        return (
            Score(name="density", value=density, direction="higher", notes=notes),
            Score(name="coverage", value=coverage, direction="higher", notes=notes),
        )


def _check_k(metric: str, k: int) -> None:
    """Raise UsageError unless k is at least 1."""
    if k < 1:
        raise UsageError(f"{metric} has k={k}", "at least 1", "raise k")


def _needs(k: int) -> Needs:
    """Return what both metrics need."""
    return Needs(
        layer="pool",
        form="rows",
        roles=("sample", "reference"),
        minimum=k + 1,
        why=f"{k} neighbours (k={k})",
    )


def _points(summaries: Mapping[Role, Summary]) -> tuple[Points, Points]:
    """Return the pooled features of sample and reference as points."""
    sample, reference = summaries["sample"].rows("pool"), summaries["reference"].rows("pool")
    assert sample is not None
    assert reference is not None
    return on_common_centre(sample, reference)
