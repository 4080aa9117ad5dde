"""Hamiltonian Monte Carlo between the prior and the posterior of a latent.

The density at inverse temperature beta is p(u) p(x | u)^beta up to a constant, with p(u) standard
normal. Neal, "MCMC using Hamiltonian dynamics", arXiv:1206.1901, sections 2 and 3. The step is
adapted to the accept rate .65, as in his section 4.4 and in Wu et al.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch

Likelihood = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
"""From latents [N, C, k] to log p(x | u) [N, C] and its gradient [N, C, k]."""

NUM_LEAPFROG = 10
TARGET = 0.65
FIRST_STEP, SMALLEST_STEP, LARGEST_STEP = 0.1, 1e-4, 0.5
_GAIN = 0.1


@dataclass(frozen=True, slots=True)
class State:
    """The state of chains.

    Attributes:
        u: Latents [N, C, k] of C chains for each of N pictures.
        log_likelihood: Log-likelihood of the picture given each latent, [N, C].
        gradient: Its gradient, [N, C, k].
    """

    u: torch.Tensor
    log_likelihood: torch.Tensor
    gradient: torch.Tensor

    def energy(self, beta: float) -> torch.Tensor:
        """Return - log p(u) p(x | u)^beta up to a constant, [N, C]."""
        return self.u.square().sum(dim=-1) / 2 - beta * self.log_likelihood

    def force(self, beta: float) -> torch.Tensor:
        """Return the negative gradient of the energy, [N, C, k]."""
        return beta * self.gradient - self.u


def state_at(u: torch.Tensor, likelihood: Likelihood) -> State:
    """Return the state of chains that are at latents u."""
    return State(u, *likelihood(u))


def leapfrog(
    state: State, momentum: torch.Tensor, step: torch.Tensor, beta: float, likelihood: Likelihood
) -> tuple[State, torch.Tensor]:
    """Follow the dynamics for `NUM_LEAPFROG` steps.

    The map keeps volume and is reversible: from its end with the momentum reversed, it leads back.

    Args:
        state: The start.
        momentum: [N, C, k].
        step: Size of a step for each picture, [N].
        beta: Inverse temperature.
        likelihood: Likelihood of the pictures.
    """
    step = step[:, None, None]
    momentum = momentum + step / 2 * state.force(beta)
    for number in range(NUM_LEAPFROG):
        state = state_at(state.u + step * momentum, likelihood)
        whole = number < NUM_LEAPFROG - 1
        momentum = momentum + (step if whole else step / 2) * state.force(beta)
    return state, momentum


def move(
    state: State,
    step: torch.Tensor,
    beta: float,
    likelihood: Likelihood,
    *,
    momentum: torch.Tensor,
    chance: torch.Tensor,
) -> tuple[State, torch.Tensor]:
    """Make one move that leaves the density at `beta` unchanged.

    Args:
        state: Where the chains are.
        step: Size of a leapfrog step for each picture, [N].
        beta: Inverse temperature.
        likelihood: Likelihood of the pictures.
        momentum: Standard normal numbers [N, C, k].
        chance: Numbers uniform on [0, 1), [N, C].

    Returns:
        The new state, and the probability with which each chain accepts, [N, C].
    """
    proposed, after = leapfrog(state, momentum, step, beta, likelihood)
    before = state.energy(beta) + momentum.square().sum(dim=-1) / 2
    change = proposed.energy(beta) + after.square().sum(dim=-1) / 2 - before
    accepts = (-change).exp().clamp(max=1).nan_to_num(0.0)  # NaN: the chain diverged
    moved = chance < accepts
    return State(
        torch.where(moved[..., None], proposed.u, state.u),
        torch.where(moved, proposed.log_likelihood, state.log_likelihood),
        torch.where(moved[..., None], proposed.gradient, state.gradient),
    ), accepts


def adapted(step: torch.Tensor, accepts: torch.Tensor) -> torch.Tensor:
    """Return the steps [N] for the next move, longer if more than `TARGET` was accepted.

    Args:
        step: The steps of the last move, [N].
        accepts: The probabilities with which its chains accepted, [N, C].
    """
    longer = step * (_GAIN * (accepts.mean(dim=1) - TARGET)).exp()
    return longer.clamp(SMALLEST_STEP, LARGEST_STEP)
