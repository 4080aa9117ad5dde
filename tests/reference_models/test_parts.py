"""Objectives and penalties against closed forms, EMA against its definition."""

import math

import numpy as np
import pytest
import torch
from torch import nn

import ganeval
from reference_models.engine import ema
from reference_models.parts import penalties
from reference_models.parts.objectives import OBJECTIVES
from reference_models.parts.sizes import doublings

LOGITS = torch.linspace(-4, 4, 9, dtype=torch.float64)


def slope(function: object, at: torch.Tensor) -> torch.Tensor:
    """The derivative of a loss of one logit, at each of several."""
    points = [value.clone().requires_grad_() for value in at]
    return torch.stack(
        [torch.autograd.grad(function(None, point), point)[0] for point in points]  # type: ignore[operator]
    )


def test_both_generators_push_the_same_way_with_the_slopes_of_the_paper() -> None:
    probability = torch.sigmoid(LOGITS)
    minimax = slope(OBJECTIVES["minimax"].generator, LOGITS)
    non_saturating = slope(OBJECTIVES["non-saturating"].generator, LOGITS)
    torch.testing.assert_close(minimax, -probability)
    torch.testing.assert_close(non_saturating, -(1 - probability))


def test_the_value_of_a_discriminator_that_knows_nothing() -> None:
    zero = torch.zeros(5)
    value = -OBJECTIVES["minimax"].discriminator(zero, zero)
    assert value.item() == pytest.approx(-2 * math.log(2))
    assert OBJECTIVES["hinge"].discriminator(zero, zero).item() == 2
    assert OBJECTIVES["wasserstein"].discriminator(zero, zero).item() == 0


def test_the_optimal_discriminator_reaches_the_jensen_shannon_divergence() -> None:
    grid = np.linspace(-12, 12, 20001)
    real = 0.5 * np.exp(-((grid - 1) ** 2) / 2) / np.sqrt(2 * np.pi)
    real += 0.5 * np.exp(-((grid + 2) ** 2) / 0.5) / np.sqrt(0.5 * np.pi)
    fake = np.exp(-(grid**2) / 4.5) / np.sqrt(4.5 * np.pi)
    logits = torch.tensor(np.log(real) - np.log(fake))
    softplus = torch.nn.functional.softplus
    step = grid[1] - grid[0]
    value = -(real * softplus(-logits).numpy() + fake * softplus(logits).numpy()).sum() * step
    middle = (real + fake) / 2
    divergence = 0.5 * (real * np.log(real / middle) + fake * np.log(fake / middle)).sum() * step
    assert value == pytest.approx(2 * divergence - np.log(4), abs=1e-6)


@pytest.mark.parametrize(
    ("real", "fake", "expected"),
    [([2.0, 0.5], [-2.0, 0.0], (0 + 0.5) / 2 + (0 + 1) / 2), ([-1.0], [1.0], 4.0)],
)
def test_the_hinge_ignores_what_is_beyond_the_margin(
    real: list[float], fake: list[float], expected: float
) -> None:
    loss = OBJECTIVES["hinge"].discriminator(torch.tensor(real), torch.tensor(fake))
    assert loss.item() == expected


@pytest.mark.parametrize("num", [1, 8, 64])
def test_the_gradient_penalty_of_a_linear_critic_is_that_of_its_weight(num: int) -> None:
    weight = torch.tensor([3.0, -4.0, 12.0]).reshape(1, 3, 1)
    generator = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(num, 1, 3, 1, generator=generator) for _ in range(2))
    mix = torch.rand(num, generator=generator)
    penalty = penalties.gradient_penalty(
        lambda x: (x * weight).flatten(1).sum(dim=1), real, fake, mix
    )
    assert penalty.item() == pytest.approx((13.0 - 1) ** 2)
    r1 = penalties.r1_penalty(lambda x: (x * weight).flatten(1).sum(dim=1), real)
    assert r1.item() == pytest.approx(13.0**2 / 2)


def test_the_gradient_penalty_looks_between_with_a_weight_for_each_sample() -> None:
    points: list[torch.Tensor] = []

    def critic(x: torch.Tensor) -> torch.Tensor:
        points.append(x.detach())
        return x.square().sum(dim=1)

    real, fake = torch.ones(3, 2), torch.zeros(3, 2)
    penalties.gradient_penalty(critic, real, fake, torch.tensor([0.0, 0.25, 1.0]))
    assert points[0][:, 0].tolist() == [0.0, 0.25, 1.0]


def test_the_gradient_penalty_reaches_the_weights() -> None:
    layer = nn.Linear(2, 1, bias=False)
    penalty = penalties.gradient_penalty(
        lambda x: layer(x).squeeze(1), torch.ones(4, 2), torch.zeros(4, 2), torch.full((4,), 0.5)
    )
    (gradient,) = torch.autograd.grad(penalty, layer.weight)
    norm = layer.weight.norm()
    expected = 2 * (norm - 1) * layer.weight / norm
    torch.testing.assert_close(gradient, expected.detach())


def test_clipping_keeps_every_weight_within() -> None:
    network = nn.Sequential(nn.Linear(5, 5), nn.Linear(5, 1))
    before = torch.cat([p.detach().flatten() for p in network.parameters()])
    penalties.clip_weights(network, 0.1)
    after = torch.cat([p.detach().flatten() for p in network.parameters()])
    torch.testing.assert_close(after, before.clamp(-0.1, 0.1))


def test_the_average_halves_every_half_life_and_copies_statistics() -> None:
    network = nn.Sequential(nn.Linear(2, 2, bias=False), nn.BatchNorm1d(2))
    with torch.no_grad():
        network[0].weight.fill_(0.0)
    average = ema.averaged_copy(network)
    with torch.no_grad():
        network[0].weight.fill_(1.0)
        network[1].running_mean.fill_(7.0)
    for _ in range(10):
        ema.update(average, network, num_images=100, half_life=500)
    torch.testing.assert_close(average[0].weight, torch.full((2, 2), 1 - 0.25))
    assert average[1].running_mean.tolist() == [7.0, 7.0]
    assert not average.training
    assert not any(parameter.requires_grad for parameter in average.parameters())
    ema.update(average, network, num_images=1, half_life=0)
    assert average[0].weight.tolist() == [[1.0, 1.0], [1.0, 1.0]]


@pytest.mark.parametrize(
    ("size", "near"), [(30, 32), (20, 16), (24, 16), (25, 32), (3, 8), (90, 64), (100, 128)]
)
def test_a_size_that_is_no_power_of_two_is_told_the_nearest(size: int, near: int) -> None:
    with pytest.raises(ganeval.GanevalError, match=f"images of {size} pixels; .*={near}`"):
        doublings(size)
    assert 4 * 2 ** doublings(near) == near
