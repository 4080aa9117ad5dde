"""Kernel Audio Distance."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ganeval.audio.windows import Windows
from ganeval.features.derived import Arrays, Summary
from ganeval.metrics.base import Each, Inputs, Need, Result, View, both_sides, by_role, rows_of
from ganeval.metrics.parts.discrepancy import Gaussian, over_all_pairs
from ganeval.scores.kind import ScoreKind

SCALE = 100.0
"""The factor of the paper."""

_MOST_FOR_MEDIAN = 8192  # rows, for which all pairwise distances fit into memory
_BLOCK = 1024


@dataclass(frozen=True, slots=True)
class MedianDistance:
    """The median of the distances between rows."""

    version: ClassVar[int] = 1
    keep: ClassVar[bool] = True

    def __call__(self, summary: Summary) -> Arrays:
        """Return `median`, float64 []; of more than 8,192 rows every second, third, ... one."""
        rows = rows_of(summary)
        return {"median": np.array(median_distance(rows[:: -(-len(rows) // _MOST_FOR_MEDIAN)]))}


@dataclass(frozen=True, slots=True)
class Kad:
    """Compute the squared maximum mean discrepancy under a Gaussian kernel, times 100 (KAD).

    Estimand: 100 (E k(x, x') + E k(y, y') - 2 E k(x, y)) with k(x, y) = exp(-|x - y|^2 / (2 s^2)),
    x of the sample, y of the reference, and s the median distance between items of the reference.
    The unbiased estimate over all pairs.

    Reference: Chung et al., "KAD: No More FAD! An Effective and Efficient Evaluation Metric for
    Audio Generation", arXiv:2502.15602 (2025).
    Numbers: any; the two sides may differ. An error is given from 200 clips on each side.
    Bias: none. The score may therefore be below 0, and the numbers of clips may differ.
    Direction: lower is better; 0 for equal distributions.
    Misleads: the bandwidth comes from the reference, so values against two references cannot be
    compared.

    Standard error and interval: those of KID, with the bandwidth taken as fixed, and over clips if
    each has several windows. They are given from 200 clips on each side.

    Attributes:
        window: Length of a window in seconds; windows do not overlap. None for whole clips, each of
            which is one row (the mean of the network's features over its parts).
    """

    window: float | None = None

    common_name: ClassVar[str] = "Kernel audio distance"
    over_clusters: ClassVar[bool] = True
    kinds: ClassVar[tuple[ScoreKind, ...]] = (
        ScoreKind(
            name="kad",
            direction="lower",
            bias="none",
            error="u-statistic",
            stream="kad",
            stands_in=None,
            plotted_against=None,
        ),
    )

    def __post_init__(self) -> None:
        """Refuse a window that makes no sense.

        Raises:
            UsageError: The window is not above 0.
        """
        self._view()

    @property
    def needs(self) -> tuple[Need, ...]:
        """Whole clips or windows of both sides, 2 at least."""
        return both_sides(view=self._view(), content="clip", minimum=2, why="pairs")

    def _view(self) -> View:
        """Return what a row is of."""
        return Each() if self.window is None else Windows(seconds=self.window)

    def compute(self, inputs: Inputs, rng: np.random.Generator) -> Result:
        """Return the one score `kad`; its details have the `bandwidth`."""
        sides, (kind,) = by_role(inputs), self.kinds
        sample, reference = sides["sample"], sides["reference"]
        bandwidth = float(reference.derived(MedianDistance())["median"])
        score = over_all_pairs(kind, sample, reference, Gaussian(bandwidth), scale=SCALE)
        score = replace(score, details={"bandwidth": bandwidth})
        if bandwidth == 0:
            fact = f"half of the pairs of {reference.noun} of the reference have equal features"
            score = replace(score, cautions={**score.cautions, fact: "look at them"})
        return Result(scores=(score,))


def median_distance(rows: npt.NDArray[np.float32]) -> float:
    """Return the median of the distances between all pairs of rows, float32 [n, d], n >= 2.

    For an even number of pairs it is the lower of the two middle distances, as in torch.
    """
    found = []
    wide = rows.astype(np.float64)
    for start in range(0, len(wide), _BLOCK):
        block = wide[start : start + _BLOCK]
        rest = wide[start:]
        squared = np.square(block).sum(axis=1)[:, None] + np.square(rest).sum(axis=1)
        squared -= 2 * block @ rest.T
        above = np.triu_indices(len(block), 1, len(rest))
        found.append(np.maximum(squared[above], 0).astype(np.float32))
    distances = np.concatenate(found)
    middle = (len(distances) - 1) // 2
    return float(np.sqrt(np.partition(distances, middle)[middle], dtype=np.float64))
