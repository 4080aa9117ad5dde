"""Annealing against a flow, whose density is known from its inverse.

The density that annealing bounds has observation noise, log p(x) has none. What stands between them
is a convolution with N(0, v I), which quadrature does in two dimensions. Annealing sees the way
from latents to points alone, the truth the way back and its determinant.
"""

import math

import numpy as np
import torch

from ganeval.likelihood.ais import Annealing, back, forth, lower_bound, upper_bound
from ganeval.likelihood.observed import Observed
from reference_models.experiments.likelihood import noisy_log_prob
from reference_models.flow_gan import Generator

NUM = 16


def warped(seed: int) -> Generator:
    """A flow with random weights, which bend the plane."""
    flow = Generator(shape=(2,), num_couplings=2, width=16, depth=1, limit=1.0)
    randomness = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weights in flow.parameters():
            weights.normal_(0, 0.5, generator=randomness)
    return flow.double()


def simulated(flow: Generator, variance: float, seed: int) -> tuple[Observed, torch.Tensor]:
    """Noisy points, and the latents that they were made of."""
    rng = np.random.default_rng(seed)
    u, noise = (torch.from_numpy(rng.normal(size=(NUM, 2))) for _ in range(2))
    with torch.no_grad():
        x = flow(u) + math.sqrt(variance) * noise
    each = torch.full_like(x[:, 0], variance)
    return Observed(decode=flow, latent_size=2, x=x, variance=each, batch_size=4096), u


def test_noise_changes_the_density_in_proportion_to_its_variance() -> None:
    """The heat equation: d/dv p_v is half of the Laplacian, so v / 100 changes p / 100."""
    flow = warped(seed=1)
    x = simulated(flow, 0.01, seed=1)[0].x
    with torch.no_grad():
        truth = flow.log_prob(x)
    far, near = (
        float((noisy_log_prob(flow, x, variance) - truth).abs().mean()) for variance in (1e-2, 1e-4)
    )
    assert 40 < far / near < 200


def test_noise_of_a_gaussian_adds_its_variance() -> None:
    flow = Generator(shape=(2,), num_couplings=2, width=4, depth=1, limit=1.0).double()
    with torch.no_grad():
        for weights in flow.parameters():
            weights.zero_()
    x = torch.tensor([[0.3, -1.2], [2.0, 0.1]], dtype=torch.float64)
    truth = -x.square().sum(dim=1) / (2 * 1.5) - math.log(2 * math.pi * 1.5)
    torch.testing.assert_close(noisy_log_prob(flow, x, 0.5), truth, rtol=0, atol=1e-6)


def test_bounds_enclose_the_exact_value_and_close_in_on_it() -> None:
    flow, variance = warped(seed=1), 0.4
    observed, u = simulated(flow, variance, seed=2)
    truth = noisy_log_prob(flow, observed.x, variance).numpy()
    errors, gaps = [], []
    for num_steps in (6, 40):
        how = Annealing(num_steps=num_steps, num_chains=16, num_pilots=4, seed=0)
        weights, steps = forth(observed, how)
        lower, upper = lower_bound(weights), upper_bound(back(observed, u, steps, how))
        errors.append(abs(lower - truth).mean())
        gaps.append((upper - lower).mean())
        if num_steps == 6:  # where the gap is wider than chance
            assert lower.mean() < truth.mean() < upper.mean()
    assert errors[1] < 0.3
    assert errors[0] > 1.2 * errors[1]
    assert gaps[0] > 2 * abs(gaps[1])
    assert abs(gaps[1]) < 0.4
    with torch.no_grad():  # the density without noise is another one
        without = flow.log_prob(observed.x).numpy()
    assert abs(lower - without).mean() > 2 * errors[1]
