"""Frechet Inception Distance."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ganeval.features.moments import Moments
from ganeval.metrics.base import Needs, Role, Score, Summary
from ganeval.metrics.linalg import Rows, frechet_distance

NO_INTERVAL = "no interval: FID is biased upwards, and an interval around it would not show that"


@dataclass(frozen=True, slots=True)
class Fid:
    """Compute the Frechet distance between Gaussians fitted to the pooled features (FID).

    Estimand: |m_s - m_r|^2 + tr(S_s + S_r - 2 (S_s S_r)^(1/2)) with the means m and covariances S
    (ddof 1) of the sample and the reference.

    Reference: Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash
    Equilibrium", NeurIPS 2017, equation 6.
    Bias: upwards, about C/N; large below a few images per dimension. Compare only at equal N.
    Direction: lower is better; 0 for equal moments.
    """

    scores: ClassVar[tuple[str, ...]] = ("fid",)

    @property
    def needs(self) -> Needs:
        """Moments of both sides, of 2 images at least."""
        return Needs(
            layer="pool",
            form="moments",
            roles=("sample", "reference"),
            minimum=2,
            why="a covariance",
        )

    def compute(
        self, summaries: Mapping[Role, Summary], rng: np.random.Generator
    ) -> tuple[Score, ...]:
        """Return the one score `fid`."""
        sample, reference = summaries["sample"], summaries["reference"]
        sample_moments, reference_moments = sample.moments("pool"), reference.moments("pool")
        value = frechet_distance(
            sample_moments,
            reference_moments,
            _few_rows(sample, sample_moments),
            _few_rows(reference, reference_moments),
        )
        notes = [*_notes("sample", sample), *_notes("reference", reference)]
        return (Score(name="fid", value=value, direction="lower", notes=(*notes, NO_INTERVAL)),)


def _few_rows(summary: Summary, moments: Moments) -> Rows | None:
    """Return the rows where there are no more of them than dimensions, if they are stored."""
    return summary.rows("pool") if moments.num <= len(moments.mean) else None


def _notes(role: Role, summary: Summary) -> list[str]:
    """Say what is unusual about one side."""
    num, moments = summary.num, summary.moments("pool")
    width = len(moments.mean)
    if num is None:
        return [f"{role}: stored statistics that do not say of how many images"]
    if not moments.scatter.any():
        return [f"{role}: the {num} images have the same features; the variance is zero"]
    if num <= width:
        return [
            f"{role}: {num} images for {width} dimensions, so the covariance is singular; the "
            "value is exact for these images but far above that of many images"
        ]
    return []
