"""Groups of training runs of one model, simulated, and the tests that compare them."""

from typing import Any

import numpy as np
from scipy import stats

from scripts.training_runs.components import Components

ALPHA = 0.05
DESIGNS = ((1, 1), (1, 3), (2, 2), (3, 3), (5, 5))
"""Numbers of runs: of the baseline, and of those that are checked."""
LAWS = ("normal", "resampled")


def simulate(one: Components, trials: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return the false alarms of both tests by design and law of the effects of runs."""
    return [
        {
            "before": design[0],
            "after": design[1],
            **{
                law: false_alarms(one, design, trials, rng, resampled=law == "resampled")
                for law in LAWS
            },
        }
        for design in DESIGNS
    ]


def false_alarms(
    one: Components,
    design: tuple[int, int],
    trials: int,
    rng: np.random.Generator,
    *,
    resampled: bool,
) -> tuple[float, float | None]:
    """Return how often two tests call an unchanged model worse, one-sided at ALPHA.

    Each run is scored by one draw of images, and a larger score is worse.

    Args:
        one: Where the variance of the score comes from.
        design: Number of runs of the baseline, and of those that are checked.
        trials: Pairs of groups.
        rng: Draws them.
        resampled: Whether the effects of runs are the measured ones, drawn with replacement; else
            they are normal.

    Returns:
        The shares of trials in which they alarm. The first test knows images alone: z with the true
        SD within, as if it were all the noise. The second is a t test over runs: Welch's with two
        runs a side or more, pooled where one side is a single run, whose variance the other then
        tells; None with one run a side, where nothing tells it.
    """
    before, after = (_scores(one, (trials, num), rng, resampled=resampled) for num in design)
    rise = after.mean(axis=1) - before.mean(axis=1)
    error = one.within * np.sqrt(sum(1 / num for num in design))
    of_images = float((stats.norm.sf(rise / error) < ALPHA).mean())
    if design == (1, 1):
        return of_images, None
    welch = min(design) > 1
    over_runs = stats.ttest_ind(
        after, before, axis=1, equal_var=not welch, alternative="greater"
    ).pvalue
    return of_images, float((over_runs < ALPHA).mean())


def _scores(
    one: Components, shape: tuple[int, int], rng: np.random.Generator, *, resampled: bool
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Draw the scores of runs, float64 [trials, runs]."""
    effects = rng.choice(one.runs, shape) if resampled else one.between * rng.standard_normal(shape)
    return one.mean + effects + one.within * rng.standard_normal(shape)
