"""A ring in a plane of space: the supports do not overlap, so D can become ever more sure.

Roth et al. 2017 put the points of a mixture into a plane of R^3 (their code, 3DGAN.py), so that the
supports of data and samples share no volume. Without a regulariser D becomes sure, and its loss
jumps up and down.
"""

import statistics
from collections.abc import Callable

import numpy as np

from reference_models import roth
from reference_models.data.densities import Floats, Mixture, found_modes, ring8
from reference_models.engine.recipe import Recipe
from reference_models.engine.settings import with_settings
from reference_models.engine.train import begin, one_step
from reference_models.experiments.base import Experiment
from reference_models.experiments.measure import CPU, points
from reference_models.experiments.ring import NUM_POINTS, for_points

STEPS = 1500
LATE = 500  # the last steps, whose losses count


class InPlane(Mixture):
    """A mixture in space without noise along the third axis, so it has no density in space."""

    def sample(self, num: int, rng: np.random.Generator) -> Floats:
        """Draw independent samples, float64 [num, 3]."""
        points = Mixture.sample(self, num, rng)
        points[:, 2] = 0.0
        return points


def ring_in_plane() -> InPlane:
    """Return `ring8` with a third coordinate, which is 0."""
    flat = ring8()
    modes = np.pad(flat.modes, ((0, 0), (0, 1)))
    return InPlane("ring8 in space", modes, flat.std, flat.weights)


def late_run(recipe: Recipe, seed: int) -> tuple[float, float]:
    """Return the number of modes found, and the standard deviation of D's late losses."""
    data = ring_in_plane()
    run = begin(recipe, data, seed=seed, device=CPU)
    losses = [
        one_step(run, recipe, data, seed=seed, device=CPU)["D/adversarial"] for _ in range(STEPS)
    ]
    in_plane = points(run, NUM_POINTS)[:, :2]
    return float(found_modes(in_plane, ring8())), statistics.stdev(losses[-LATE:])


def unrest(recipe: Recipe) -> Callable[[int], float]:
    """Return a function that trains and measures the standard deviation of D's late losses."""
    return lambda seed: late_run(recipe, seed)[1]


_ROTH = for_points(roth.RECIPE)
ROTH = Experiment(
    model="roth",
    criterion="standard deviation of D's last losses, data in a plane of space",
    better="lower",
    threshold=0.04,
    control_is="gamma 0",
    system=unrest(_ROTH),
    control=unrest(with_settings(_ROTH, {"game.gamma": 0.0})),
)
