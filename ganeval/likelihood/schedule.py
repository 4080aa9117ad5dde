"""The temperatures between prior and posterior."""

import numpy as np
import numpy.typing as npt

_RADIUS = 4.0


def sigmoid_schedule(num_steps: int) -> npt.NDArray[np.float64]:
    """Return num_steps + 1 inverse temperatures from 0 to 1, dense at both ends.

    They are sigmoid(4 (2 t / T - 1)), shifted and scaled to end at 0 and 1: Grosse, Ghahramani and
    Adams, "Sandwiching the marginal likelihood using bidirectional Monte Carlo", arXiv:1511.02543,
    section 6.2, which Wu et al. use.
    """
    gamma = 1 / (1 + np.exp(-np.linspace(-_RADIUS, _RADIUS, num_steps + 1)))
    beta: npt.NDArray[np.float64] = (gamma - gamma[0]) / (gamma[-1] - gamma[0])
    return beta
