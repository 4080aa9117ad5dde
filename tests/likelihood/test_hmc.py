"""Hamiltonian moves: reversible, of constant volume, and true to their density."""

import numpy as np
import torch

from ganeval.likelihood.hmc import (
    LARGEST_STEP,
    SMALLEST_STEP,
    TARGET,
    adapted,
    leapfrog,
    move,
    state_at,
)
from tests.likelihood.linear import linear

BETA = 0.7


def test_the_way_back_is_the_way_forth() -> None:
    observed, u = linear().simulated(5, seed=0)
    start = state_at(u[:, None], observed.likelihood)
    momentum = torch.from_numpy(np.random.default_rng(0).normal(size=(5, 1, 5)))
    step = torch.linspace(0.01, 0.1, 5, dtype=torch.float64)
    there, after = leapfrog(start, momentum, step, BETA, observed.likelihood)
    assert (there.u - start.u).abs().max() > 0.1
    again, before = leapfrog(there, -after, step, BETA, observed.likelihood)
    torch.testing.assert_close(again.u, start.u, rtol=0, atol=1e-10)
    torch.testing.assert_close(-before, momentum, rtol=0, atol=1e-10)


def test_energy_changes_with_the_square_of_the_step() -> None:
    observed, u = linear().simulated(1, seed=0)
    start = state_at(u[:, None], observed.likelihood)
    momentum = torch.ones(1, 1, 5, dtype=torch.float64)

    def error(size: float) -> float:
        step = torch.tensor([size], dtype=torch.float64)
        end, after = leapfrog(start, momentum, step, BETA, observed.likelihood)
        before = start.energy(BETA) + momentum.square().sum(-1) / 2
        return float((end.energy(BETA) + after.square().sum(-1) / 2 - before).abs())

    assert error(1e-3) < 1e-3
    assert 50 < error(1e-3) / error(1e-4) < 2000  # of the second order, over a path as long


def test_the_gradient_is_that_of_the_likelihood() -> None:
    observed, u = linear().simulated(3, seed=0)
    _, gradient = observed.likelihood(u[:, None])
    for axis in range(5):
        shift = torch.zeros(5, dtype=torch.float64)
        shift[axis] = 1e-6
        up, down = (observed.likelihood((u + sign * shift)[:, None])[0] for sign in (1, -1))
        torch.testing.assert_close((up - down) / 2e-6, gradient[..., axis], rtol=1e-5, atol=1e-5)


def test_moves_leave_a_gaussian_as_it_is() -> None:
    decoder = linear()
    observed, _ = decoder.simulated(1, seed=5)
    rng = np.random.default_rng(1)
    posterior = decoder.posterior(observed.x[0])
    scale = torch.linalg.cholesky(posterior.covariance_matrix)
    num = 20_000
    u = posterior.mean + torch.from_numpy(rng.normal(size=(num, 5))) @ scale.T
    state = state_at(u[None], observed.likelihood)
    step = torch.tensor([0.13], dtype=torch.float64)  # so long that a third is refused
    for _ in range(3):
        state, accepts = move(
            state,
            step,
            1.0,
            observed.likelihood,
            momentum=torch.from_numpy(rng.normal(size=(1, num, 5))),
            chance=torch.from_numpy(rng.random((1, num))),
        )
    assert 0.3 < accepts.mean() < 0.9
    whitened = torch.linalg.solve_triangular(scale, (state.u[0] - posterior.mean).T, upper=False)
    assert whitened.mean(dim=1).abs().max() < 4.5 / num**0.5
    second = whitened @ whitened.T / num
    assert (second - torch.eye(5)).abs().max() < 4.5 * (2 / num) ** 0.5


def test_the_step_follows_the_target() -> None:
    step = torch.tensor([0.1, 0.1, 0.1, LARGEST_STEP, SMALLEST_STEP])
    accepts = torch.tensor([[0.9], [0.2], [TARGET], [1.0], [0.0]])
    after = adapted(step, accepts)
    assert after[0] > step[0]
    assert after[1] < step[1]
    torch.testing.assert_close(after[2:], step[2:])
