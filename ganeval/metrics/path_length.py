"""Perceptual path length: how smoothly pictures change with the latents."""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from ganeval.errors import UsageError
from ganeval.metrics.base import Feature, Inputs, Need, Paths, Result, rows_of
from ganeval.metrics.parts.per_item import mean_score
from ganeval.scores.kind import ScoreKind

_PERCENT = 1  # of the paths are left out at each end


@dataclass(frozen=True, slots=True)
class PathLength:
    """Compute how far pictures move for a small step between two latents (PPL).

    Estimand: the mean over random paths of d(G(z(t)), G(z(t + epsilon))) / epsilon^2 with a
    perceptual distance d, without the lowest and the highest hundredth of the paths. Paths between
    normal latents follow the sphere (slerp), others a line.

    Reference: Karras et al., "A Style-Based Generator Architecture for Generative Adversarial
    Networks", CVPR 2019, equation 2; the trimming as in the authors' code.
    Numbers: papers take 100,000 paths with StyleGAN and 50,000 (the default here) with StyleGAN2.
    Bias: none in the number of paths.
    Direction: lower is better.
    Misleads: it says nothing about how real the pictures look: a generator that always makes the
    same picture has 0. It needs the weights of LPIPS.

    Standard error: that of a trimmed mean, from the winsorised values (Tukey and McLaughlin, "Less
    vulnerable confidence and significance procedures", Sankhya 1963).

    Attributes:
        num_paths: Number of paths.
        epsilon: The step, if the whole path is 1.
        places: Anywhere on the path ("full") or at its beginning ("end").
    """

    num_paths: int = 50_000
    epsilon: float = 1e-4
    places: Literal["full", "end"] = "full"

    common_name: ClassVar[str] = "perceptual path length"
    over_clusters: ClassVar[bool] = True  # its paths are drawn independently
    kinds: ClassVar[tuple[ScoreKind, ...]] = (
        ScoreKind(
            name="ppl",
            direction="lower",
            bias="none",
            error="per-item",
            stream="ppl",
            stands_in=None,
            plotted_against=None,
        ),
    )

    def __post_init__(self) -> None:
        """Refuse options that make no sense.

        Raises:
            UsageError: There are fewer than two paths, or the step is not within the path.
        """
        if self.num_paths < 2:
            raise UsageError(f"ppl has num_paths={self.num_paths}", "at least 2", "raise num_paths")
        if not 0 < self.epsilon < 1:
            raise UsageError(
                f"ppl has epsilon={self.epsilon}", "above 0 and below 1", "change epsilon"
            )

    @property
    def needs(self) -> tuple[Need, ...]:
        """The distance of both ends of a step, for each path."""
        return (
            Need(
                role="sample",
                feature=Feature(layer="distance", extractor="lpips-vgg"),
                view=Paths(num=self.num_paths, epsilon=self.epsilon, places=self.places),
                minimum=2,
                why="a standard error",
            ),
        )

    def compute(self, inputs: Inputs, rng: np.random.Generator) -> Result:
        """Return the one score `ppl`; its details have `untrimmed`, the mean over all paths."""
        (paths,) = inputs.values()
        values = rows_of(paths)[:, 0].astype(np.float64) / self.epsilon**2
        # The authors' rule: with few paths, an end between two values leaves out only the farther
        # one.
        low = np.percentile(values, _PERCENT, method="lower")
        high = np.percentile(values, 100 - _PERCENT, method="higher")
        inside = (values >= low) & (values <= high)
        winsorised = np.clip(values, low, high)
        influence = (winsorised - winsorised.mean()) * len(values) / inside.sum()
        trimmed = np.where(inside, values, np.nan)
        score = mean_score(
            self.kinds[0], trimmed, paths.noun, influence=influence, clusters=paths.clusters
        )
        score = replace(score, details={"untrimmed": float(values.mean())})
        return Result(scores=(score,), per_item={"ppl": values})
