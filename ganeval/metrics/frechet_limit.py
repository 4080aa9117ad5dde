"""Extrapolate the Frechet distance to infinitely many images, in two ways."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ganeval.errors import UsageError
from ganeval.features.moments import Moments
from ganeval.metrics.base import Inputs, Need, Result, Score, both_sides, by_role
from ganeval.metrics.frechet import side_cautions, side_notes, sides_of
from ganeval.metrics.parts.extrapolation import intercept_of_line
from ganeval.metrics.parts.frechet_error import (
    Gaussian,
    distance,
    error_of,
    without_bias,
)
from ganeval.scores.kind import ScoreKind

_DEBIASED_MINIMUM = 8
# Images per dimension from which the distance is nearly a line in 1/n.
ENOUGH_FOR_LINE = 2


@dataclass(frozen=True, slots=True)
class FidDebiased:
    """Compute FID without most of its bias, from halves and quarters of the images.

    Estimand: the Frechet distance of infinitely many images, estimated by (8 F_N - 6 F_N/2 + F_N/4)
    / 3. F_N is the distance of all images, F_N/4 its mean over four random quarters, and F_N/2 its
    mean over the six halves that two quarters make; sample and reference are split alike. A
    reference stored as statistics uses its stored quarters; without them, the bias from its number
    of images stays.

    Reference: Richardson, "The Approximate Arithmetical Solution by Finite Differences of Physical
    Problems", Phil. Trans. A 1911, applied to the expansion in 1/N of Chong and Forsyth,
    "Effectively Unbiased FID and Inception Score and where to find them", CVPR 2020.
    Numbers: at least 5 images per dimension on both sides, as for the error of FID.
    Bias: only terms beyond 1/N and 1/N^2, a few per cent of FID's bias at 5 images per dimension.
    The value may be below 0.
    Direction: lower is better; about 0 for equal distributions.
    Misleads: below 5 images per dimension a good part of the bias is left. It is not the FID of
    papers, so compare it with itself only.

    Standard error and interval: those of FID, from 5 images per dimension.
    """

    common_name: ClassVar[str] = "FID without most of its bias"
    over_clusters: ClassVar[bool] = True
    kinds: ClassVar[tuple[ScoreKind, ...]] = (
        ScoreKind(
            name="fid-debiased",
            direction="lower",
            bias="removed",
            error="influence",
            stream="fid",
            stands_in="kid",
            plotted_against=None,
        ),
    )

    @property
    def needs(self) -> tuple[Need, ...]:
        """Features of the sample and moments of the reference, enough for quarters of 2 items.

        A sample always has its rows, so "moments" refuses no sample; the reference may be stored
        statistics.
        """
        return both_sides(
            form="moments", minimum=_DEBIASED_MINIMUM, why="4 parts with a covariance"
        )

    def compute(self, inputs: Inputs, rng: np.random.Generator) -> Result:
        """Return the one score `fid-debiased`; its details have `biased`, the value with bias.

        Like those of `fid`, they say whether there are enough images for a value without bias.
        """
        summaries = by_role(inputs)
        sample, reference = sides_of(summaries)
        (kind,) = self.kinds
        value = distance(sample, reference)
        error = error_of(value, sample, reference, rng, kind.stands_in)
        debiased = next(iter(error.details.values()), None)
        if debiased is None:
            debiased = without_bias(value, sample, reference, rng)
        score = Score(
            kind=kind,
            value=debiased,
            se=error.se,
            interval=error.interval,
            details={"fid": value, "biased": value, **error.details},
            notes=(*side_notes(summaries), error.note),
            cautions={**side_cautions(summaries), **({} if error.se else error.cautions)},
            influence=error.influence,
            enough=error.enough,
        )
        return Result(scores=(score,))


@dataclass(frozen=True, slots=True)
class FidInfinity:
    """Compute FID extrapolated by a line through its values at several sizes (FID infinity).

    Estimand: the intercept of the least-squares line through (1/n, distance of a random subset of
    n images of the sample), for sizes n in equal steps from `smallest` to all images.

    Reference: Chong and Forsyth, "Effectively Unbiased FID and Inception Score and where to find
    them", CVPR 2020, section 4.
    Numbers: the smallest of its sizes needs at least 2 images per dimension, so a sample needs
    several times as many.
    Bias: all terms that are not linear in 1/n, which are large if the smallest size has fewer than
    2 images per dimension, and the whole bias from the number of reference images.
    Direction: lower is better; about 0 for equal distributions.
    Misleads: it removes only the bias from the sample's number; the bias from the reference stays.
    With few images the values do not lie on a line.

    Attributes:
        num_sizes: Number of points on the line.
        smallest: The smallest size; half of the sample if that has fewer than twice as many images.
    """

    num_sizes: int = 15
    smallest: int = 5000

    common_name: ClassVar[str] = "FID extrapolated to infinitely many images"
    kinds: ClassVar[tuple[ScoreKind, ...]] = (
        ScoreKind(
            name="fid-infinity",
            direction="lower",
            bias="depends-on-numbers",
            error="none",
            stream="fid",
            stands_in=None,
            plotted_against=None,
        ),
    )

    def __post_init__(self) -> None:
        """Refuse options that make no sense.

        Raises:
            UsageError: The line would have fewer than 3 points, or subsets fewer than 2 images.
        """
        for name, least in (("num_sizes", 3), ("smallest", 2)):
            if getattr(self, name) < least:
                raise UsageError(
                    f"fid-infinity has {name}={getattr(self, name)}",
                    f"at least {least}",
                    f"raise {name}",
                )

    @property
    def needs(self) -> tuple[Need, ...]:
        """Features of the sample, with 2 more items for each size, and moments of the reference."""
        return both_sides(form="moments", minimum=2 * self.num_sizes, why=f"{self.num_sizes} sizes")

    def compute(self, inputs: Inputs, rng: np.random.Generator) -> Result:
        """Return the one score `fid-infinity`; its details have the error of the regression."""
        summaries = by_role(inputs)
        sample, reference = sides_of(summaries)
        assert sample.rows is not None
        num = len(sample.rows)
        smallest = min(self.smallest, num // 2)
        sizes = np.linspace(smallest, num, self.num_sizes).astype(int)
        values = [
            distance(_subset(sample, rng.choice(num, size, replace=False)), reference)
            for size in sizes.tolist()
        ]
        noun = summaries["sample"].noun
        intercept, error = intercept_of_line(1 / sizes, np.array(values))
        notes = (
            f"no interval: regression_se is the error of the line through {self.num_sizes} sizes "
            f"from {smallest:,} on, which share {noun}; the random draw of the {noun} adds further "
            "error",
        )
        cautions = side_cautions(summaries)
        width = len(sample.moments.mean)
        if smallest < ENOUGH_FOR_LINE * width:
            fewest = f"{smallest:,} {noun} for {width:,} dimensions at the smallest size"
            needed = 2 * ENOUGH_FOR_LINE * width
            cautions[fewest] = f"no line in 1/n, so the value is far off; {needed:,} are needed"
        (kind,) = self.kinds
        score = Score(
            kind=kind,
            value=intercept,
            details={"regression_se": error},
            notes=(*side_notes(summaries), *notes),
            cautions=cautions,
        )
        return Result(scores=(score,))


def _subset(side: Gaussian, indices: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Gaussian:
    """Return the side that some of its rows make."""
    assert side.rows is not None
    rows = side.rows[np.sort(indices)]
    return Gaussian(side.role, Moments.of(rows), rows)
