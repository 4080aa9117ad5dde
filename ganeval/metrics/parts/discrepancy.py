"""Squared maximum mean discrepancies over all pairs, under any kernel, with their error."""

from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from ganeval.features.derived import Arrays, Summary
from ganeval.machine.resources import Resources, in_order
from ganeval.metrics.base import Score, rows_of
from ganeval.metrics.parts.clusters import num_units, over_units
from ganeval.metrics.parts.intervals import of_distance
from ganeval.scores.influence import Influence
from ganeval.scores.kind import ScoreKind

Rows = npt.NDArray[np.float32]
Sums = npt.NDArray[np.float64]

BLOCK = 1024  # rows of a block; a thread holds the kernel of two blocks, float64 [BLOCK, BLOCK]
# Images on each side from which, in simulations with skewed and sparse features, at most 5 % of
# intervals missed on one side, and about 5 % crossed the bound that lets a generator pass.
ENOUGH_FOR_ERROR = 200
# Images on which the error has to rest. If a few with huge features carry it, as under tails so
# heavy that the kernel has no variance, the error means nothing.
ENOUGH_THAT_COUNT = 30
# As a share of the mean kernel: the rounding that float64 sums of equal numbers leave.
_ROUNDING_OF_SUMS = 1e-14
_EPSILON = 1e-8  # as in kadtk


class Kernel(Protocol):
    """A kernel: a frozen dataclass with a `version`, since it is part of cache keys."""

    version: ClassVar[int]

    def __call__(self, first: Sums, second: Sums) -> Sums:
        """Return the kernel of all pairs of two blocks of rows, float64 [n, d] and [m, d]."""


@dataclass(frozen=True, slots=True)
class Polynomial:
    """The kernel of KID, (x.y / d + 1)^degree.

    Attributes:
        degree: At least 1.
    """

    version: ClassVar[int] = 1
    degree: int

    def __call__(self, first: Sums, second: Sums) -> Sums:
        """Return the kernel of all pairs."""
        gram = first @ second.T
        gram /= first.shape[1]
        gram += 1.0
        kernel = gram.copy()
        for _ in range(self.degree - 1):
            kernel *= gram
        return kernel


@dataclass(frozen=True, slots=True)
class Gaussian:
    """The kernel of KAD, exp(-|x - y|^2 / (2 bandwidth^2 + 1e-8)).

    Attributes:
        bandwidth: At least 0; at 0 the kernel only distinguishes equal rows from all others.
    """

    version: ClassVar[int] = 1
    bandwidth: float

    def __call__(self, first: Sums, second: Sums) -> Sums:
        """Return the kernel of all pairs."""
        centre = second.mean(axis=0)  # near it the squares below lose fewer digits
        first, second = first - centre, second - centre
        squared = np.square(first).sum(axis=1)[:, None] + np.square(second).sum(axis=1)
        squared -= 2 * (first @ second.T)
        kernel: Sums = np.exp(-np.maximum(squared, 0) / (2 * self.bandwidth**2 + _EPSILON))
        return kernel


@dataclass(frozen=True, slots=True)
class KernelSums:
    """The sums of the kernel over the pairs within a source.

    Attributes:
        kernel: The kernel.
    """

    version: ClassVar[int] = 2
    keep: ClassVar[bool] = True
    kernel: Kernel

    def __call__(self, summary: Summary) -> Arrays:
        """Return `sums` float64 [num]; see `within_sums`."""
        return {"sums": within_sums(rows_of(summary), summary.resources, self.kernel)}


def over_all_pairs(
    kind: ScoreKind, sample: Summary, reference: Summary, kernel: Kernel, *, scale: float = 1.0
) -> Score:
    """Return the unbiased estimate over all pairs as a score of a kind, with its standard error.

    Args:
        kind: Kind of the score.
        sample: One side.
        reference: The other.
        kernel: The kernel.
        scale: Factor of the score.
    """
    sample_within, reference_within = (
        side.derived(KernelSums(kernel))["sums"] for side in (sample, reference)
    )
    sample_between, reference_between = between_sums(
        rows_of(sample), rows_of(reference), sample.resources, kernel
    )
    num_sample, num_reference = len(sample_within), len(reference_within)
    of_sample = 2 * scale * (sample_within / (num_sample - 1) - sample_between / num_reference)
    of_reference = (
        2 * scale * (reference_within / (num_reference - 1) - reference_between / num_sample)
    )
    # Each influence contains E k(x, x') or E k(y, y') twice and E k(x, y) twice, so the estimate is
    # half the sum of both means.
    value = float(of_sample.mean() + of_reference.mean()) / 2
    influence = Influence(
        sample=over_units(of_sample - of_sample.mean(), sample.clusters),
        reference=over_units(of_reference - of_reference.mean(), reference.clusters),
    )
    score = Score(kind=kind, value=value, influence=influence)
    clustered = sample.clusters is not None or reference.clusters is not None
    noun = f"clusters of {sample.noun}" if clustered else sample.noun
    fewest = min(
        num_units(num_sample, sample.clusters), num_units(num_reference, reference.clusters)
    )
    if fewest < ENOUGH_FOR_ERROR:
        few = f"{fewest:,} {noun} on the smaller side"
        return replace(
            score,
            notes=(f"no interval: {few}, {ENOUGH_FOR_ERROR} are needed",),
            cautions={few: f"too few for a standard error ({ENOUGH_FOR_ERROR} are needed)"},
            enough={"se": ENOUGH_FOR_ERROR},
        )
    level = float(np.abs(sample_within).mean() / num_sample)
    level += float(np.abs(reference_within).mean() / num_reference)
    if influence.se <= _ROUNDING_OF_SUMS * scale * level:
        return replace(score, se=0.0, interval=(value, value))
    counting = influence.num_that_count
    if counting < ENOUGH_THAT_COUNT:
        fact = f"its error rests on about {counting:.0f} {noun} with huge features"
        return replace(
            score,
            notes=(f"no interval: {fact}, {ENOUGH_THAT_COUNT} are needed",),
            cautions={fact: "no standard error; look at them"},
        )
    se = influence.se
    return replace(score, se=se, interval=of_distance(value, se, influence.df))


def within_sums(rows: Rows, resources: Resources, kernel: Kernel) -> Sums:
    """Return each row's sum of the kernel with all other rows, float64 [n].

    It works in blocks, each pair of blocks once. float64 from end to end takes twice the time of
    float32 products, but needs no care, although KID is about a thousandth of the mean kernel.
    """
    sums = np.zeros(len(rows))
    starts = range(0, len(rows), BLOCK)
    pairs = [(start, other) for start in starts for other in range(start, len(rows), BLOCK)]
    tiles = in_order(partial(_tile_sums, rows, None, kernel), pairs, resources)
    for (start, other), (forth, back) in zip(pairs, tiles, strict=True):
        sums[start : start + BLOCK] += forth
        if other != start:
            sums[other : other + BLOCK] += back
    return sums


def between_sums(
    sample: Rows, reference: Rows, resources: Resources, kernel: Kernel
) -> tuple[Sums, Sums]:
    """Return each row's sum of the kernel with all rows of the other side, float64 [n] and [m]."""
    of_sample, of_reference = np.zeros(len(sample)), np.zeros(len(reference))
    pairs = list(product(range(0, len(sample), BLOCK), range(0, len(reference), BLOCK)))
    tiles = in_order(partial(_tile_sums, sample, reference, kernel), pairs, resources)
    for (start, other), (forth, back) in zip(pairs, tiles, strict=True):
        of_sample[start : start + BLOCK] += forth
        of_reference[other : other + BLOCK] += back
    return of_sample, of_reference


def _tile_sums(
    first: Rows, second: Rows | None, kernel: Kernel, pair: tuple[int, int]
) -> tuple[Sums, Sums]:
    """Return the sums of the kernel over the rows and the columns of a tile.

    Args:
        first: One side, float32 [n, d].
        second: The other, float32 [m, d]; None for pairs of different rows within the first.
        kernel: The kernel.
        pair: Where the blocks start.
    """
    start, other = pair
    block = first[start : start + BLOCK].astype(np.float64)
    others = (first if second is None else second)[other : other + BLOCK]
    values = kernel(block, others.astype(np.float64))
    if second is None and start == other:
        np.fill_diagonal(values, 0.0)
    return values.sum(axis=1), values.sum(axis=0)
