"""Estimate how many different pictures a generator makes: the birthday test."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ganeval.errors import UsageError
from ganeval.features.derived import Summary
from ganeval.metrics.base import Evidence, Inputs, Need, Result, Score, both_sides, by_role, rows_of
from ganeval.metrics.parts.distances import on_own_centre
from ganeval.metrics.parts.intervals import clopper_pearson
from ganeval.metrics.parts.nearest import nearest
from ganeval.metrics.parts.neighbourhood import NearestOthers
from ganeval.metrics.parts.pairs import memberships, pairs_within
from ganeval.scores.kind import ScoreKind

NUM_SHOWN = 8
_DISJOINT = 4  # items: two pairs without a common item


@dataclass(frozen=True, slots=True)
class Birthday:
    """Compute how many equally likely pictures would repeat as often as in the sample (birthday).

    Estimand: 1 / P(d(x, y) <= r), where x and y are two independent items of the sample, d is the
    Euclidean distance between pooled features, and r the reach within which two are the same. It is
    N for a generator of N equally likely pictures that are farther than r from one another, and
    below N if some are likelier than others. The estimate is the number of pairs in the sample,
    divided by the number of repetitions, which are the pairs within reach.

    The reach is the distance of the nearest pair among the same number of reference items, drawn at
    random (among all, if there are fewer). So real items repeat about once: never, once, or twice
    with probability 1/2, 1/4, 1/8. With so few repetitions only a lower bound is known: n items
    make n (n - 1) / 2 pairs, which is the highest score.

    Reference: Arora and Zhang, "Do GANs actually learn the distribution? An empirical study", 2017
    (arXiv:1706.08224), who look for the first repetition by eye: one among s samples says that the
    support has about s^2 pictures.
    Numbers: n images can show at most n (n - 1) / 2 different pictures; the reference needs as many
    images as the sample.
    Bias: the score cannot exceed the number of pairs, and the reach falls as items are added. So it
    depends on the number of items unless there are many repetitions.
    Direction: higher is better; from 1.
    Misleads: it says nothing about quality. Without a repetition it is a lower bound. The nearest
    pair of real images decides which images count as the same, so one near copy among them changes
    the score.

    Standard error: none, since the score is far from normal if there are few repetitions. Interval:
    Clopper and Pearson's ("The Use of Confidence or Fiducial Limits", Biometrika 1934) for the
    probability of a repetition, given the reach. Pairs of equally likely pictures are uncorrelated.
    If pictures are not equally likely, the interval uses the number of independent pairs that would
    have the variance of this U-statistic; Wang and Lindsay ("Variance estimation of a general
    U-statistic", Statistica Sinica 2014) give its unbiased estimate. For N equally likely pictures,
    at least 95 % of the intervals contain N. If one picture is likelier than all others but still
    rare in the sample, more intervals lie above the truth (16 % for a picture with probability 3 %
    among 200 items, 3 % among 1,000).

    Attributes:
        reach: Distance up to which two items count as the same, 0 for copies; None to take it from
            the reference.
    """

    reach: float | None = None

    common_name: ClassVar[str] = "birthday test of the support"
    counts_copies: ClassVar[bool] = True
    kinds: ClassVar[tuple[ScoreKind, ...]] = (
        ScoreKind(
            name="birthday",
            direction="higher",
            bias="depends-on-numbers",
            error="none",
            stream="birthday",
            stands_in=None,
            plotted_against=None,
        ),
    )

    def __post_init__(self) -> None:
        """Refuse a reach below 0 (UsageError)."""
        if self.reach is not None and not 0 <= self.reach < math.inf:
            raise UsageError(f"birthday has reach={self.reach}", "0 or more", "change reach")

    @property
    def needs(self) -> tuple[Need, ...]:
        """Pooled features of both sides, from which pairs are made."""
        return both_sides(minimum=2, why="a pair")

    def compute(self, inputs: Inputs, rng: np.random.Generator) -> Result:
        """Return the one score `birthday`.

        The details have `repetitions`, the number of pairs within reach, and `reach`; without a
        repetition also `at_least`, a lower bound of the estimand with 95 % confidence. Per item:
        the distance to the nearest other one.
        """
        sides = by_role(inputs)
        sample, reference = sides["sample"], sides["reference"]
        others = sample.derived(NearestOthers(1))
        distances = np.sqrt(others["squared"][:, 0])
        squared = _squared_reach(reference, len(distances), rng)
        if self.reach is not None:
            squared = self.reach**2
        repeats = _repeats(sample, squared)
        num = len(repeats)
        pairs, repetitions = num * (num - 1) // 2, int(repeats.sum()) // 2
        details = {"repetitions": float(repetitions), "reach": math.sqrt(squared)}
        notes: tuple[str, ...] = (
            "no standard error; interval: of the number of repetitions, given the reach",
        )
        interval, cautions = None, dict[str, str]()
        if repetitions:
            low, high = clopper_pearson(repetitions / pairs, independent_pairs(repeats))
            interval = 1 / high, 1 / low
        else:
            at_least = 1 / -math.expm1(math.log(0.05) / pairs)
            details["at_least"] = at_least
            notes = (
                f"no standard error, no interval: no two of {num:,} {sample.noun} are the same, so "
                f"at least {at_least:,.0f} with 95 %",
            )
            cautions[f"no repetition among {num:,} {sample.noun}"] = "a lower bound"
        if self.reach is None:
            cautions |= _cautions_of_reach(squared, sample, reference)
        closest = _closest_pairs(others["indices"][:, 0], distances)
        return Result(
            scores=(
                Score(
                    kind=self.kinds[0],
                    value=pairs / max(repetitions, 1),
                    interval=interval,
                    details=details,
                    notes=notes,
                    cautions=cautions,
                ),
            ),
            per_item={"nearest other item": distances},
            evidence={
                "repetitions": Evidence(
                    roles=("sample", "sample"),
                    rows=closest,
                    values=distances[closest[:, 0]],
                    title=f"{sample.noun} nearest to one another",
                )
            },
        )


def independent_pairs(repeats: npt.NDArray[np.integer]) -> float:
    """Return how many independent pairs would say as much about the probability of a repetition.

    Let U be the share of repetitions among all pairs. Then U^2 minus the mean of h_ij h_kl over
    pairs without a common item estimates var U without bias. The variance is at least U (1 - U) /
    pairs, the variance for uncorrelated pairs.

    Args:
        repeats: For each item, the number of other items that count as the same, [num], not all 0.
    """
    num = len(repeats)
    pairs, total = num * (num - 1) / 2, float(repeats.sum())
    share = total / 2 / pairs
    if share == 1:  # the number of items, each of which could have been another: (1 - e)^2 of them
        return num / 2
    if num < _DISJOINT:
        return pairs
    shared = float((repeats.astype(np.float64) * (repeats - 1)).sum())
    disjoint = total**2 - 2 * total - 4 * shared
    variance = share**2 - disjoint / (num * (num - 1) * (num - 2) * (num - 3))
    return min(share * (1 - share) / variance, pairs) if variance > 0 else pairs


def _squared_reach(reference: Summary, num: int, rng: np.random.Generator) -> float:
    """Return the squared distance of the nearest pair among this many reference items, or all."""
    rows = rows_of(reference)
    if len(rows) > num:
        rows = rows[np.sort(rng.choice(len(rows), num, replace=False))]
    points = on_own_centre(rows, reference.resources)
    return float(nearest(points, 1, reference.resources).squared.min())


def _repeats(sample: Summary, squared: float) -> npt.NDArray[np.integer]:
    """Return how many other items are within reach of each, int [num]."""
    points = on_own_centre(rows_of(sample), sample.resources)
    radii = np.full(len(points), squared)
    pairs = pairs_within(points, points, radii, sample.resources)
    balls, _ = memberships(
        points, radii, points, pairs=pairs, closed=True, resources=sample.resources
    )
    return balls - 1  # each is in its own ball


def _cautions_of_reach(squared: float, sample: Summary, reference: Summary) -> dict[str, str]:
    """Return cautions about what makes the reference a bad yardstick."""
    assert sample.num is not None
    assert reference.num is not None
    cautions = {}
    if reference.num < sample.num:
        cautions[f"fewer reference than sample {sample.noun}"] = "too wide a reach, too low a score"
    if squared == 0:
        cautions[f"equal {reference.noun} in the reference"] = "only copies are the same"
    return cautions


def _closest_pairs(
    partners: npt.NDArray[np.int32], distances: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """Return the nearest pairs of an item and its nearest other, each once, int64 [shown, 2]."""
    order = np.argsort(distances, kind="stable")
    pairs = np.stack([order, partners[order]], axis=1).astype(np.int64)
    _, first = np.unique(np.sort(pairs, axis=1), axis=0, return_index=True)
    return np.asarray(pairs[np.sort(first)[:NUM_SHOWN]])
