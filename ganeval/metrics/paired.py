"""Compare each picture with its partner: peak signal-to-noise ratio, structural similarity."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ganeval.errors import InputError
from ganeval.metrics.base import Feature, Inputs, Need, Pairs, Result, rows_of
from ganeval.metrics.parts.per_item import mean_score, worst_pairs
from ganeval.scores.kind import ScoreKind

PEAK = 255.0


@dataclass(frozen=True, slots=True)
class Psnr:
    """Compute the mean peak signal-to-noise ratio of pairs of one name (PSNR), in dB.

    Estimand: the mean over pairs of 10 log10(255^2 / MSE), with the mean squared error MSE over all
    pixels and channels of both pictures at their own size. Identical pairs, whose ratio is
    infinite, are counted and left out of the mean.

    Reference: Huynh-Thu and Ghanbari, "Scope of validity of PSNR in image/video quality
    assessment", Electronics Letters 2008, equation 1.
    Numbers: any number of pairs from 2 on; an error is given from 30 pairs on.
    Bias: none; but the pairs that are left out are the best ones.
    Direction: higher is better.
    Misleads: it compares pixel by pixel, so a shift of one pixel costs more than a blur. Identical
    pairs have no finite value: they are counted and left out, and means without them are not
    compared (use `ssim`).

    Standard error: that of a mean of independent pairs, or clusters of pairs.
    """

    common_name: ClassVar[str] = "peak signal-to-noise ratio"
    over_clusters: ClassVar[bool] = True
    kinds: ClassVar[tuple[ScoreKind, ...]] = (
        ScoreKind(
            name="psnr",
            direction="higher",
            bias="none",
            error="per-item",
            stream="psnr",
            stands_in="ssim",
            plotted_against=None,
        ),
    )

    @property
    def needs(self) -> tuple[Need, ...]:
        """The squared error of each pair."""
        return (_of_pairs("psnr-mse"),)

    def compute(self, inputs: Inputs, rng: np.random.Generator) -> Result:
        """Return the one score `psnr`; its details have `left_out`, the number of identical pairs.

        Raises:
            InputError: Fewer than two pairs differ.
        """
        (pairs,) = inputs.values()
        errors = rows_of(pairs)[:, 0].astype(np.float64)
        differ = errors > 0
        identical = int((~differ).sum())
        if differ.sum() < 2:
            which = "all" if identical == len(errors) else f"{identical:,} of"
            raise InputError(
                f"{which} {len(errors):,} pairs are identical",
                "at least 2 that differ, so that psnr is finite",
                "check that sample and reference are not the same, or leave out psnr",
            )
        ratios = np.full(len(errors), np.nan)
        ratios[differ] = 10 * np.log10(PEAK**2 / errors[differ])
        score = mean_score(self.kinds[0], ratios, pairs.noun, clusters=pairs.clusters)
        score = replace(score, details={"left_out": float(identical)})
        if identical:
            fact = f"{identical:,} of {len(errors):,} pairs are identical"
            score = replace(
                score, cautions={**score.cautions, fact: "left out of the mean of psnr"}
            )
        return Result(
            scores=(score,),
            per_item={"psnr": ratios},
            evidence=worst_pairs(self.kinds[0], ratios),
        )


@dataclass(frozen=True, slots=True)
class Ssim:
    """Compute the mean structural similarity of pairs of one name (SSIM).

    Estimand: the mean over pairs of the mean SSIM index, with a Gaussian window of standard
    deviation 1.5 and width 11, K1 = 0.01, K2 = 0.03 and a range of 255, over each channel of both
    pictures at their own size.

    Reference: Wang et al., "Image Quality Assessment: From Error Visibility to Structural
    Similarity", IEEE Transactions on Image Processing 2004, equation 13.
    Numbers: any number of pairs from 2 on; an error is given from 30 pairs on.
    Bias: none.
    Direction: higher is better; 1 for identical pictures.
    Misleads: a small shift costs as much as a large change, and a change of colour costs little. It
    compares small windows at one scale.

    Standard error: that of a mean of independent pairs, or clusters of pairs.
    """

    common_name: ClassVar[str] = "structural similarity"
    over_clusters: ClassVar[bool] = True
    kinds: ClassVar[tuple[ScoreKind, ...]] = (
        ScoreKind(
            name="ssim",
            direction="higher",
            bias="none",
            error="per-item",
            stream="ssim",
            stands_in=None,
            plotted_against=None,
        ),
    )

    @property
    def needs(self) -> tuple[Need, ...]:
        """The index of each pair."""
        return (_of_pairs("ssim"),)

    def compute(self, inputs: Inputs, rng: np.random.Generator) -> Result:
        """Return the one score `ssim`."""
        (pairs,) = inputs.values()
        values = rows_of(pairs)[:, 0].astype(np.float64)
        score = mean_score(self.kinds[0], values, pairs.noun, clusters=pairs.clusters)
        return Result(
            scores=(score,),
            per_item={"ssim": values},
            evidence=worst_pairs(self.kinds[0], values),
        )


def _of_pairs(layer: str) -> Need:
    """Return the need for a comparer's value of each pair of pictures."""
    return Need(
        role="sample",
        feature=Feature(layer=layer, extractor="pixels"),
        view=Pairs(to="reference"),
        minimum=2,
        why="a standard error",
    )
