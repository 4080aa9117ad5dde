"""Annealing against the closed form of a linear decoder."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ganeval.likelihood.ais import Annealing, back, forth, lower_bound, upper_bound
from ganeval.likelihood.schedule import sigmoid_schedule
from ganeval.likelihood.variance import GRID, fitted_variance
from tests.likelihood.linear import linear


def annealing(num_steps: int, num_chains: int = 16, seed: int = 0) -> Annealing:
    return Annealing(num_steps=num_steps, num_chains=num_chains, num_pilots=4, seed=seed)


def test_the_schedule_is_that_of_the_paper() -> None:
    beta = sigmoid_schedule(1000)
    gamma = 1 / (1 + np.exp(-4 * (2 * np.arange(1001) / 1000 - 1)))
    np.testing.assert_allclose(beta, (gamma - gamma[0]) / (gamma[-1] - gamma[0]), atol=1e-15)
    assert (beta[0], beta[-1], beta[500]) == (0.0, 1.0, pytest.approx(0.5))


def test_weights_are_unbiased_both_ways() -> None:
    decoder = linear(variance=1.0)  # so much noise that weights have no heavy tails
    picture = decoder.simulated(1, seed=1)[0].x
    truth = float(decoder.truth(picture)[0])
    # Many copies of one picture, each with a measured chain and pilots of its own.
    observed = decoder.observing(picture.expand(1000, -1).contiguous())
    torch_rng = torch.Generator().manual_seed(0)
    posterior = decoder.posterior(picture[0])
    normal = torch.randn(1000, 5, generator=torch_rng, dtype=torch.float64)
    exact = (
        posterior.mean
        + torch.linalg.solve_triangular(
            torch.linalg.cholesky(posterior.precision_matrix).T, normal.T, upper=True
        ).T.contiguous()
    )
    how = annealing(40, num_chains=1)
    weights, steps = forth(observed, how)
    ratios = np.exp(weights[:, 0] - truth), np.exp(truth - back(observed, exact, steps, how)[:, 0])
    for ratio in ratios:
        error = ratio.std() / np.sqrt(len(ratio))
        assert error < 0.1
        assert abs(ratio.mean() - 1) < 4 * error


def test_bounds_close_in_on_the_truth_from_their_sides() -> None:
    decoder = linear()
    observed, exact = decoder.simulated(24, seed=2)
    truth, gaps = decoder.truth(observed.x), []
    for num_steps in (10, 50, 250):
        how = annealing(num_steps)
        weights, steps = forth(observed, how)
        lower, upper = lower_bound(weights), upper_bound(back(observed, exact, steps, how))
        gaps.append((upper - lower).mean())
        if num_steps < 250:  # where the gap is wider than chance
            assert lower.mean() < truth.mean() < upper.mean()
        assert weights.mean() < truth.mean()  # a single chain's, far below
    assert gaps[0] > 3 * gaps[1] > 6 * gaps[2]
    assert abs(lower - truth).mean() < 0.4
    assert abs(gaps[2]) < 0.5


@pytest.mark.slow
def test_many_steps_give_the_truth() -> None:
    decoder = linear()
    observed, exact = decoder.simulated(16, seed=0)
    truth, how = decoder.truth(observed.x), annealing(3000)
    weights, steps = forth(observed, how)
    lower, upper = lower_bound(weights), upper_bound(back(observed, exact, steps, how))
    assert abs((lower - truth).mean()) < 0.2
    assert abs(lower - truth).max() < 0.6
    assert (upper - lower).mean() < 0.2


def test_a_picture_has_its_own_random_numbers_whatever_the_batch() -> None:
    decoder = linear()
    observed, _ = decoder.simulated(6, seed=3)
    all_of_them, _ = forth(observed, annealing(8))
    few, _ = forth(decoder.observing(observed.x[:2]), annealing(8))
    np.testing.assert_allclose(few, all_of_them[:2], rtol=1e-9)
    small, _ = forth(replace(observed, batch_size=7), annealing(8))
    np.testing.assert_allclose(small, all_of_them, rtol=1e-9)


def test_the_variance_that_made_pictures_is_fitted() -> None:
    wanted = float(GRID[8])  # 0.01
    decoder = linear(variance=wanted)
    observed, _ = decoder.simulated(12, seed=4)
    found = fitted_variance(observed, annealing(150))
    assert GRID[7] <= found <= GRID[9]
