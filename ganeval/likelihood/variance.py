"""Fitting the variance of the observation noise, if the user gives none."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch

from ganeval.likelihood.ais import Annealing, forth, lower_bound
from ganeval.likelihood.observed import Observed

GRID: npt.NDArray[np.float64] = np.logspace(-4, -1, 13)
"""Variances for pictures from 0 to 1; Wu et al. use .005 to .03 for MNIST."""
NUM_IMAGES = 8
_MOST_STEPS, _CHAINS, _PILOTS = 200, 4, 1


def fitted_variance(observed: Observed, how: Annealing) -> float:
    """Return the variance of `GRID` under which pictures have the largest mean lower bound.

    All variances are tried at once, with short chains. The bound is loosest for the smallest
    variances, so the choice tends towards more noise.

    Args:
        observed: Validation pictures; their variance is not used.
        how: Settings of the chains; fewer steps are used.
    """
    num = len(observed.x)
    variances = torch.from_numpy(GRID).to(observed.x)
    tried = replace(
        observed, x=observed.x.repeat(len(GRID), 1), variance=variances.repeat_interleave(num)
    )
    short = replace(
        how,
        num_steps=min(how.num_steps, _MOST_STEPS),
        num_chains=_CHAINS,
        num_pilots=_PILOTS,
        label="variance of the noise",
    )
    bounds = lower_bound(forth(tried, short)[0]).reshape(len(GRID), num).mean(axis=1)
    return float(GRID[np.nanargmax(bounds)])
