"""Frechet Audio Distance."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from ganeval.audio.windows import Windows
from ganeval.metrics.base import Feature, Inputs, Need, Result, both_sides
from ganeval.metrics.frechet import frechet_result
from ganeval.scores.kind import ScoreKind

Convention = Literal["google", "gudgud96", "fadtk"]

_PIECE, _STEP = 0.975, 0.96  # seconds: length of 96 frames, and step from one piece to the next

WINDOWS: Mapping[Convention, Windows] = {
    "google": Windows(seconds=1.0, hop=0.5, peak="google"),
    "gudgud96": Windows(seconds=_PIECE, hop=_STEP),
    "fadtk": Windows(seconds=_PIECE, hop=_STEP, bits=16, shortest=1.0),
}
"""How each tool prepares a clip for VGGish."""


@dataclass(frozen=True, slots=True)
class Fad:
    """Compute the Frechet distance between Gaussians fitted to windows of clips (FAD).

    Estimand: |m_s - m_r|^2 + tr(S_s + S_r - 2 (S_s S_r)^(1/2)) with the means m and covariances S
    (ddof 1) of VGGish's embeddings, before their ReLU, of all windows of the sample and of the
    reference.

    Reference: Kilgour et al., "Frechet Audio Distance: A Reference-Free Metric for Evaluating Music
    Enhancement Algorithms", Interspeech 2019.
    Numbers: an error is given from 5 clips per dimension on, on both sides: 640 for VGGish.
    Bias: upwards, about C/N; large below a few windows per dimension. Compare only at equal N.
    Direction: lower is better; 0 for equal moments.
    Misleads: the conventions give different numbers for the same clips, and so do networks. VGGish
    was trained on 16,000 Hz and hears nothing above 7,500 Hz.

    Standard error and interval: those of FID, over clips: the windows of one clip are one cluster.

    The tools differ in how they prepare a clip, not in the distance. Two things differ from the
    tools here: clips are resampled by soxr (gudgud96: resampy; fadtk: torchaudio), so only clips of
    16,000 Hz give the same digits; and fadtk keeps embeddings in 16 bits, which changes its score
    by about 0.1 %.

    Attributes:
        convention: "google": windows of 1 s every 0.5 s, each clip divided by its peak. "gudgud96"
            (the package frechet-audio-distance): 0.975 s every 0.96 s, as it is. "fadtk": the same
            of samples rounded to 16 bits, clips below 1 s padded.
    """

    convention: Convention = "google"

    common_name: ClassVar[str] = "Frechet audio distance"
    over_clusters: ClassVar[bool] = True
    kinds: ClassVar[tuple[ScoreKind, ...]] = (
        ScoreKind(
            name="fad",
            direction="lower",
            bias="removable",
            error="influence",
            stream="fad",
            stands_in="kad",
            plotted_against=None,
        ),
    )

    @property
    def needs(self) -> tuple[Need, ...]:
        """Smallest number of windows on each side."""
        return both_sides(
            feature=Feature(extractor="vggish"),
            view=WINDOWS[self.convention],
            content="clip",
            minimum=2,
            why="a covariance",
        )

    def compute(self, inputs: Inputs, rng: np.random.Generator) -> Result:
        """Return the one score `fad`; its details have `debiased` where it has an interval."""
        (kind,) = self.kinds
        return frechet_result(kind, inputs, rng)
