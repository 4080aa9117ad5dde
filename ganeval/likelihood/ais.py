"""Lower and upper bounds of log p(x) by annealed importance sampling.

Wu, Burda, Salakhutdinov and Grosse, "On the Quantitative Analysis of Decoder-Based Generative
Models", ICLR 2017 (arXiv:1611.04273), after Neal, "Annealed importance sampling" (2001), and Grosse
et al., arXiv:1511.02543. A chain goes from the prior to the posterior through p(u) p(x | u)^beta_t;

    log w = sum_t (beta_t - beta_{t-1}) log p(x | u_{t-1}),      E w = p(x),

so the log of the mean of w is at most log p(x) in expectation. If x was simulated, an exact latent
of x is known. A chain goes back from this latent, E 1/w = 1/p(x), and minus the log of the mean of
1/w is at least log p(x) in expectation.

Both bounds need moves that do not depend on the measured chains. So the step for each picture is
adapted to the acceptance of a few pilot chains beside them, and the chains back use the steps of
the chains forth.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import logsumexp

from ganeval.generators.drawing import stream_of
from ganeval.likelihood.hmc import FIRST_STEP, State, adapted, move, state_at
from ganeval.likelihood.observed import Observed
from ganeval.likelihood.schedule import sigmoid_schedule
from ganeval.machine.progress import Progress, silent

_FORTH, _BACK = 1, 2  # after the seed: what a stream is for
_START, _MOMENTUM, _CHANCE = 0, 1, 2

Weights = npt.NDArray[np.float64]  # [N, C], log w of C chains for each of N pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class Annealing:
    """Settings of the chains.

    Picture i gets the same random numbers on every device, however many pictures there are.

    Attributes:
        num_steps: Number T of temperatures above 0.
        num_chains: Number of chains for each picture.
        num_pilots: Number of extra chains for each picture, which adapt the step.
        seed: Seed of all random numbers.
        label: The label of the work in the progress.
        progress: Called with the progress.
    """

    num_steps: int
    num_chains: int
    num_pilots: int
    seed: int
    label: str = ""
    progress: Progress = silent

    def of(self, label: str) -> "Annealing":
        """Return the same settings with another label."""
        return replace(self, label=label)

    def beta(self) -> list[float]:
        """Return the T + 1 inverse temperatures."""
        return [float(one) for one in sigmoid_schedule(self.num_steps)]


def forth(observed: Observed, how: Annealing) -> tuple[Weights, torch.Tensor]:
    """Run chains from the prior to the posterior.

    Returns:
        The log weights, and the sizes of the leapfrog steps at each temperature, [T + 1, N].
    """
    beta, pilots = how.beta(), how.num_pilots
    numbers = _Numbers(observed, [how.seed, _FORTH], how.num_chains + pilots)
    state = state_at(numbers.normal(_START, 0), observed.likelihood)
    steps = torch.full_like(observed.variance, FIRST_STEP).repeat(how.num_steps + 1, 1)
    weights = np.zeros(state.log_likelihood.shape)
    for t in range(1, how.num_steps + 1):
        how.progress(how.label, t - 1, how.num_steps, "temperatures")
        weights += (beta[t] - beta[t - 1]) * _on_cpu(state)
        if t < how.num_steps:
            state, accepts = _moved(state, steps[t], beta[t], observed, numbers, t)
            steps[t + 1] = adapted(steps[t], accepts[:, :pilots])
    how.progress(how.label, how.num_steps, how.num_steps, "temperatures")
    return weights[:, pilots:], steps


def back(observed: Observed, exact: torch.Tensor, steps: torch.Tensor, how: Annealing) -> Weights:
    """Run chains from exact latents of the pictures to the prior: `forth` in reverse.

    Args:
        observed: Pictures that the model simulated.
        exact: The latents that they were made from, [N, k].
        steps: The steps that `forth` returned for the same pictures.
        how: Settings of the chains; there are no pilots.
    """
    beta = how.beta()
    numbers = _Numbers(observed, [how.seed, _BACK], how.num_chains)
    start = exact[:, None].expand(-1, how.num_chains, -1)
    state = state_at(start, observed.likelihood)
    weights = np.zeros(state.log_likelihood.shape)
    for t in range(how.num_steps, 0, -1):
        how.progress(how.label, how.num_steps - t, how.num_steps, "temperatures")
        weights += (beta[t] - beta[t - 1]) * _on_cpu(state)
        if t > 1:
            state, _ = _moved(state, steps[t - 1], beta[t - 1], observed, numbers, t - 1)
    how.progress(how.label, how.num_steps, how.num_steps, "temperatures")
    return weights


def lower_bound(weights: Weights) -> npt.NDArray[np.float64]:
    """Return the log of the mean weight of each picture, [N]."""
    bound: npt.NDArray[np.float64] = logsumexp(weights, axis=1) - np.log(weights.shape[1])
    return bound


def upper_bound(weights: Weights) -> npt.NDArray[np.float64]:
    """Return minus the log of the mean inverse weight of each picture, [N]."""
    return -lower_bound(-weights)


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Random numbers for chains: one stream for each purpose and temperature."""

    observed: Observed
    entropy: list[int]
    num_chains: int

    def normal(self, purpose: int, t: int) -> torch.Tensor:
        """Return standard normal numbers [N, C, k]."""
        shape = (len(self.observed.x), self.num_chains, self.observed.latent_size)
        stream = stream_of([*self.entropy, purpose, t])
        return self._placed(stream.standard_normal(shape, dtype=np.float32))

    def uniform(self, purpose: int, t: int) -> torch.Tensor:
        """Return numbers uniform on [0, 1), [N, C]."""
        shape = (len(self.observed.x), self.num_chains)
        stream = stream_of([*self.entropy, purpose, t])
        return self._placed(stream.random(shape, dtype=np.float32))

    def _placed(self, values: npt.NDArray[np.float32]) -> torch.Tensor:
        """Move numbers to the device and dtype of the pictures."""
        return torch.from_numpy(values).to(self.observed.x)


def _moved(
    state: State,
    step: torch.Tensor,
    beta: float,
    observed: Observed,
    numbers: _Numbers,
    t: int,
) -> tuple[State, torch.Tensor]:
    """Make the move of one temperature."""
    return move(
        state,
        step,
        beta,
        observed.likelihood,
        momentum=numbers.normal(_MOMENTUM, t),
        chance=numbers.uniform(_CHANCE, t),
    )


def _on_cpu(state: State) -> Weights:
    """Return the log-likelihoods on the CPU, float64."""
    values: Weights = state.log_likelihood.cpu().double().numpy()
    return values
