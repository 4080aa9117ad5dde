"""Precision and recall, density and coverage: who lies in whose nearest-neighbour balls."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from ganeval.errors import UsageError
from ganeval.metrics.base import Inputs, Need, Result, Role, Score, both_sides, by_role
from ganeval.metrics.parts.intervals import wilson
from ganeval.metrics.parts.jackknife import NUM_GROUPS, groups_of, standard_error
from ganeval.metrics.parts.neighbourhood import Neighbourhood, neighbourhood
from ganeval.scores.kind import ScoreKind

Inclusion = Literal["closed", "strict"]

# Precision asks for the balls of the reference, recall for those of the sample.
BALLS: tuple[Role, Role] = ("reference", "sample")
UNCONDITIONAL = "se: jackknife over both sides, a little too large"
NO_ERROR = f"no standard error: the jackknife needs {2 * NUM_GROUPS} %s a side at least"
NO_INTERVAL = "no interval: how such a score is distributed is not known"


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

    Standard error: jackknife over 20 random groups of both sides, because resampling would put
    copies at distance 0. Interval: Wilson's, of a fraction of N images ("Probable Inference",
    JASA 1927), conditional on the balls, so that it leaves out their own chance.

    Attributes:
        k: Which neighbour sets the radius.
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
            error="jackknife",
            stream="pr",
            stands_in=None,
            plotted_against="recall",
        ),
        ScoreKind(
            name="recall",
            direction="higher",
            bias="depends-on-numbers",
            error="jackknife",
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
        """Pooled features of both sides, of more than k items."""
        return _needs(self.k)

    def compute(self, inputs: Inputs, rng: np.random.Generator) -> Result:
        """Return `precision` and `recall`."""
        near = neighbourhood(by_role(inputs), self.k)
        closed = self.inclusion == "closed"
        precision, recall = (
            float((near.memberships(role, self.k, closed=closed)[0] > 0).mean()) for role in BALLS
        )
        notes: list[str] = []
        cautions = _few_for_error(near, self.k)
        num_sample, num_reference = len(near.sides["sample"]), len(near.sides["reference"])
        if num_sample != num_reference:
            numbers = f"{num_sample:,} sample and {num_reference:,} reference {near.noun}"
            cautions[numbers] = "compare only with scores of the same numbers"
            notes.append(
                f"{num_sample} sample and {num_reference} reference {near.noun}: comparable only "
                "with scores of the same numbers and the same k"
            )
        errors, note = self._errors(near, rng)
        notes.append(f"interval: Wilson's, conditional on the balls as they are; {note}")
        found = ((precision, num_sample, errors[0]), (recall, num_reference, errors[1]))
        return Result(
            scores=tuple(
                Score(
                    kind=kind,
                    value=value,
                    se=se,
                    interval=wilson(value, num),
                    notes=tuple(notes),
                    cautions=cautions,
                )
                for kind, (value, num, se) in zip(self.kinds, found, strict=True)
            )
        )

    def _errors(
        self, near: Neighbourhood, rng: np.random.Generator
    ) -> tuple[tuple[float | None, float | None], str]:
        """Return the standard errors of precision and recall, and what to say of them."""
        if _few_for_error(near, self.k):
            return (None, None), NO_ERROR % near.noun
        groups = {role: groups_of(len(side), rng) for role, side in near.sides.items()}
        errors = [
            standard_error(_means(counts.balls > 0, counts.kept_points))
            for counts in (near.without_groups(role, self.k, groups) for role in BALLS)
        ]
        return (errors[0], errors[1]), UNCONDITIONAL


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

    common_name: ClassVar[str] = "density and coverage"
    kinds: ClassVar[tuple[ScoreKind, ...]] = (
        ScoreKind(
            name="density",
            direction="higher",
            bias="depends-on-numbers",
            error="jackknife",
            stream="dc",
            stands_in=None,
            plotted_against=None,
        ),
        ScoreKind(
            name="coverage",
            direction="higher",
            bias="depends-on-numbers",
            error="jackknife",
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
        """Pooled features of both sides, of more than k items."""
        return _needs(self.k)

    def compute(self, inputs: Inputs, rng: np.random.Generator) -> Result:
        """Return `density` and `coverage`."""
        near = neighbourhood(by_role(inputs), self.k)
        balls, held = near.memberships("reference", self.k, closed=self.inclusion == "closed")
        density = float(balls.sum() / (self.k * len(balls)))
        coverage = float((held > 0).mean())
        errors, note = self._errors(near, rng)
        cautions = _few_for_error(near, self.k)
        found = ((density, errors[0]), (coverage, errors[1]))
        return Result(
            scores=tuple(
                Score(
                    kind=kind,
                    value=value,
                    se=se,
                    notes=(f"{NO_INTERVAL}; {note}",),
                    cautions=cautions,
                )
                for kind, (value, se) in zip(self.kinds, found, strict=True)
            )
        )

    def _errors(
        self, near: Neighbourhood, rng: np.random.Generator
    ) -> tuple[tuple[float | None, float | None], str]:
        """Return the standard errors of density and coverage, and what to say of them."""
        if _few_for_error(near, self.k):
            return (None, None), NO_ERROR % near.noun
        groups = {role: groups_of(len(side), rng) for role, side in near.sides.items()}
        counts = near.without_groups("reference", self.k, groups)
        densities = _means(counts.balls / self.k, counts.kept_points)
        coverages = _means(counts.held > 0, counts.kept_centres)
        return (standard_error(densities), standard_error(coverages)), UNCONDITIONAL


def _few_for_error(near: Neighbourhood, k: int) -> dict[str, str]:
    """Return a caution that the jackknife has too few images; none if it has enough."""
    few, needed = min(map(len, near.sides.values())), max(2 * NUM_GROUPS, 2 * (k + 1))
    if few >= needed:
        return {}
    return {f"{few} {near.noun} a side": f"too few for a standard error ({needed} are needed)"}


def _means(
    values: npt.NDArray[np.floating | np.bool_], kept: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Return each row's mean over what is kept of it, float64 [groups]."""
    return np.asarray((values * kept).sum(axis=1) / kept.sum(axis=1), dtype=np.float64)


def _check_k(metric: str, k: int) -> None:
    """Raise UsageError unless k is at least 1."""
    if k < 1:
        raise UsageError(f"{metric} has k={k}", "at least 1", "raise k")


def _needs(k: int) -> tuple[Need, ...]:
    """Return what both metrics need."""
    return both_sides(minimum=k + 1, why=f"{k} neighbours (k={k})")
