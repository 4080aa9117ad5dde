"""The Frechet distance in a layer that keeps positions."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ganeval.metrics.base import Feature, Inputs, Need, Result, both_sides
from ganeval.metrics.frechet import frechet_result
from ganeval.scores.kind import ScoreKind


@dataclass(frozen=True, slots=True)
class SpatialFid:
    """Compute the Frechet distance in a spatial layer, which sees where things are (sFID).

    Estimand: that of FID, on the first 7 channels of the first map of `mixed_6`, 17 x 17 x 7 =
    2023 features of Inception; other networks have a spatial layer of their own.

    Reference: Nash et al., "Generating Images with Sparse Representations", ICML 2021, section 5;
    the layer as in the evaluator of Dhariwal and Nichol, "Diffusion Models Beat GANs on Image
    Synthesis", NeurIPS 2021.
    Numbers: as for FID, 50,000 in papers and 5 per dimension for an error.
    Bias: upwards, about C/N, as for FID. Compare only at equal N.
    Direction: lower is better; 0 for equal moments.
    Misleads: it has the bias of FID, so compare it at equal numbers only. It uses 7 channels of one
    layer, so it misses much that FID sees.

    Standard error and interval: as those of FID.
    """

    common_name: ClassVar[str] = "spatial Frechet Inception distance"
    over_clusters: ClassVar[bool] = True
    kinds: ClassVar[tuple[ScoreKind, ...]] = (
        ScoreKind(
            name="sfid",
            direction="lower",
            bias="removable",
            error="influence",
            stream="sfid",
            stands_in=None,
            plotted_against=None,
        ),
    )

    @property
    def needs(self) -> tuple[Need, ...]:
        """Moments of both sides in the spatial layer, each of at least 2 items."""
        feature = Feature(layer="spatial")
        return both_sides(feature=feature, form="moments", minimum=2, why="a covariance")

    def compute(self, inputs: Inputs, rng: np.random.Generator) -> Result:
        """Return the one score `sfid`; its details have `debiased` where it has an interval."""
        (kind,) = self.kinds
        return frechet_result(kind, inputs, rng)
