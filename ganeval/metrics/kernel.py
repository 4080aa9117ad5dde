"""Kernel Inception Distance."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from ganeval.errors import UsageError
from ganeval.metrics.base import Inputs, Need, Result, Score, both_sides, by_role, rows_of
from ganeval.metrics.parts.discrepancy import Polynomial, over_all_pairs
from ganeval.scores.kind import ScoreKind

Rows = npt.NDArray[np.float32]
Picks = tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]]

_HIGHEST_DEGREE = 10  # beyond it, a few pairs decide everything
_MOST_SUBSETS = 1_000_000  # thousands of times more than any paper draws, and hours of work


@dataclass(frozen=True, slots=True)
class Kid:
    """Compute the squared maximum mean discrepancy under a polynomial kernel (KID).

    Estimand: E k(x, x') + E k(y, y') - 2 E k(x, y) with k(x, y) = (x.y / d + 1)^3 on the pooled
    features, x of the sample, y of the reference. By default the unbiased estimate over all pairs;
    with `subset_size` the mean of such estimates over random subsets, as the tools do it.

    Reference: Binkowski et al., "Demystifying MMD GANs", ICLR 2018, section 4; Gretton et al., "A
    Kernel Two-Sample Test", JMLR 2012, equation 3.
    Numbers: any; the two sides may differ. An error is given from 200 images on each side.
    Bias: none. The score may therefore be below 0, and the numbers of images may differ.
    Direction: lower is better; 0 for equal distributions.
    Misleads: it may be slightly below 0 for a good sample, because it is unbiased. The `std` over
    subsets, which other tools print, is not a standard error.

    Standard error: the root of Var(h_x) / N + Var(h_y) / M with h_x = 2 (mean_x' k(x, x') - mean_y
    k(x, y)), the first-order influence of an image, and h_y that of the reference (Serfling,
    "Approximation Theorems of Mathematical Statistics", 1980, sections 5.2 and 5.5). With means
    over finitely many images it counts the second order twice. So it is safe even if the
    distributions are equal and the first order vanishes; there it is 1.4 times too large. It is
    given from 200 images on each side, unless it rests on a few images with huge features. With
    subsets there is none. Interval: that of a squared distance, whose error grows with it
    (`of_distance`).

    Attributes:
        degree: Degree of the kernel; papers take 3.
        subset_size: None for all pairs, else the number of images per subset and side.
        num_subsets: Number of subsets; None stands for 100 with a subset size.
        subsets: The tool whose way of drawing and averaging is used. "torch-fidelity": seed 2020,
            sample before reference. "clean-fid": from the metric's own stream, smaller subsets
            where a side has fewer images, mean only. "torchmetrics": from the metric's own stream,
            reference before sample. All three compute in float32, as the tools do.
    """

    degree: int = 3
    subset_size: int | None = None
    num_subsets: int | None = None
    subsets: Literal["torch-fidelity", "clean-fid", "torchmetrics"] = "torch-fidelity"

    common_name: ClassVar[str] = "Kernel Inception distance"
    over_clusters: ClassVar[bool] = True
    kinds: ClassVar[tuple[ScoreKind, ...]] = (
        ScoreKind(
            name="kid",
            direction="lower",
            bias="none",
            error="u-statistic",
            stream="kid",
            stands_in=None,
            plotted_against=None,
        ),
    )

    def __post_init__(self) -> None:
        """Refuse options that make no sense.

        Raises:
            UsageError: The degree is out of range, subsets have fewer than 2 images, or
                `num_subsets` is out of range or comes without `subset_size`.
        """
        if not 1 <= self.degree <= _HIGHEST_DEGREE:
            raise UsageError(
                f"kid has degree={self.degree}", f"1 to {_HIGHEST_DEGREE}", "change degree"
            )
        if self.subset_size is not None and self.subset_size < 2:
            raise UsageError(
                f"kid has subset_size={self.subset_size}", "at least 2", "raise subset_size"
            )
        if self.num_subsets is not None and self.num_subsets < 1:
            raise UsageError(
                f"kid has num_subsets={self.num_subsets}", "at least 1", "raise num_subsets"
            )
        if self.num_subsets is not None and self.num_subsets > _MOST_SUBSETS:
            raise UsageError(
                f"kid has num_subsets={self.num_subsets}",
                f"at most {_MOST_SUBSETS:,}",
                "lower num_subsets, or drop subset_size to use all pairs",
            )
        if self.num_subsets is not None and self.subset_size is None:
            raise UsageError(
                f"kid has num_subsets={self.num_subsets} but uses all pairs",
                "a subset_size",
                "add subset_size or drop num_subsets",
            )

    @property
    def needs(self) -> tuple[Need, ...]:
        """Pooled features of both sides, with at least as many items as a subset."""
        minimum, why = 2, "pairs"
        if self.subset_size is not None and self.subsets != "clean-fid":
            minimum, why = self.subset_size, f"subset_size {self.subset_size}"
        return both_sides(minimum=minimum, why=why)

    def compute(self, inputs: Inputs, rng: np.random.Generator) -> Result:
        """Return the one score `kid`; its details have `std` over subsets, if there are subsets."""
        sides = by_role(inputs)
        if self.subset_size is None:
            (kind,) = self.kinds
            kernel = Polynomial(self.degree)
            score = over_all_pairs(kind, sides["sample"], sides["reference"], kernel)
            return Result(scores=(score,))
        sample, reference = rows_of(sides["sample"]), rows_of(sides["reference"])
        size = self.subset_size
        if self.subsets == "clean-fid":
            size = min(size, len(sample), len(reference))
        num_subsets = 100 if self.num_subsets is None else self.num_subsets
        values = [
            squared_discrepancy(sample[of_sample], reference[of_reference], self.degree)
            for of_sample, of_reference in self._draw(
                len(sample), len(reference), size, num_subsets, rng
            )
        ]
        noun = sides["sample"].noun
        details = {} if self.subsets == "clean-fid" else {"std": float(np.std(values))}
        note = (
            f"no interval: the spread over {num_subsets} subsets of {size} {noun} is not a "
            f"standard error: the subsets share {noun} and each is smaller than the whole"
        )
        value = float(np.mean(values))
        (kind,) = self.kinds
        return Result(scores=(Score(kind=kind, value=value, details=details, notes=(note,)),))

    def _draw(
        self,
        num_sample: int,
        num_reference: int,
        size: int,
        num_subsets: int,
        rng: np.random.Generator,
    ) -> Iterator[Picks]:
        """Yield the indices of each subset in the sample and in the reference."""
        stream: np.random.Generator | np.random.RandomState = rng
        if self.subsets == "torch-fidelity":
            # The tool's own draws are part of its numbers; they have their own random generator.
            stream = np.random.RandomState(2020)
        for _ in range(num_subsets):
            if self.subsets == "torchmetrics":
                of_reference = stream.choice(num_reference, size, replace=False)
                yield stream.choice(num_sample, size, replace=False), of_reference
            else:
                of_sample = stream.choice(num_sample, size, replace=False)
                yield of_sample, stream.choice(num_reference, size, replace=False)


def squared_discrepancy(sample: Rows, reference: Rows, degree: int = 3) -> float:
    """Return the unbiased estimate for two subsets of the same size, float32 [n, d] each.

    It computes in float32 from end to end, as the tools do whose digits it reproduces.
    """
    num = len(sample)
    within = np.float32(0)
    with np.errstate(over="ignore", invalid="ignore"):  # the result is NaN, which no score may be
        for rows in (sample, reference):
            kernel = _kernel(rows, rows, degree)
            within += (kernel.sum(axis=1) - np.diagonal(kernel)).sum()
        between = _kernel(sample, reference, degree).sum(axis=0).sum()
    return float(within / (num * (num - 1)) - 2 * between / (num * num))


def _kernel(first: Rows, second: Rows, degree: int) -> Rows:
    """Return (x.y / d + 1)^degree for all pairs, in the type of the rows."""
    gram = first @ second.T * (1.0 / first.shape[1]) + 1.0
    return np.asarray(gram**degree)
