"""Kernels and the distances they give, against closed forms, scipy and all divisions in two."""

import itertools
import math

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import torch

import ganeval
from reference_models.parts.kernels import (
    Kernel,
    biased_mmd2,
    gaussians,
    negative_distance,
    unbiased_mmd2,
)

BANDWIDTHS = (0.5, 1.0, 3.0)
KERNELS = {"gaussians": gaussians(BANDWIDTHS), "distance": negative_distance}
each = pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)


def normal(num: int, width: int, seed: int, shift: float = 0.0) -> torch.Tensor:
    numbers = np.random.default_rng(seed).standard_normal((num, width)) + shift
    return torch.from_numpy(numbers)


def quantiles(num: int, mean: float, std: float) -> torch.Tensor:
    """Points that stand for equal parts of a Gaussian, [num, 1]."""
    places = scipy.stats.norm.ppf((np.arange(num) + 0.5) / num, mean, std)
    return torch.from_numpy(places[:, None])


@each
def test_the_unbiased_estimate_is_zero_on_average_where_both_are_one(kernel: Kernel) -> None:
    # Over all divisions of one sample in two, a pair within a part is any pair, as is one across.
    points, places = normal(7, 3, seed=0), set(range(7))
    values = [
        unbiased_mmd2(kernel, points[list(first)], points[list(places - set(first))])
        for first in itertools.combinations(range(7), 3)
    ]
    assert abs(torch.stack(values).mean().item()) < 1e-14
    assert min(values) < 0 < max(values)


@each
def test_the_biased_estimate_is_a_distance_of_the_samples(kernel: Kernel) -> None:
    x, y = normal(20, 3, seed=1), normal(30, 3, seed=2)
    assert biased_mmd2(kernel, x, y).item() > 0
    assert biased_mmd2(kernel, x, x.flip(0)).item() == pytest.approx(0, abs=1e-14)
    # It has k(x, x) in place of the mean over the others, for one pair of N.
    extra = sum(
        (kernel(one, one).diagonal().mean() - kernel(one, one).mean()) / (len(one) - 1)
        for one in (x, y)
    )
    expected = unbiased_mmd2(kernel, x, y) + extra
    torch.testing.assert_close(biased_mmd2(kernel, x, y), expected)


@pytest.mark.parametrize(("shift", "std"), [(0.0, 1.0), (1.5, 1.0), (0.5, 2.0)])
def test_mmd_of_gaussians_has_its_closed_form(shift: float, std: float) -> None:
    def mean_kernel(distance: float, variance: float) -> float:
        total = 0.0
        for bandwidth in BANDWIDTHS:
            whole = bandwidth**2 + variance
            total += bandwidth / math.sqrt(whole) * math.exp(-(distance**2) / (2 * whole))
        return total

    expected = mean_kernel(0, 2) + mean_kernel(0, 2 * std**2) - 2 * mean_kernel(shift, 1 + std**2)
    found = biased_mmd2(gaussians(BANDWIDTHS), quantiles(800, 0, 1), quantiles(800, shift, std))
    assert found.item() == pytest.approx(expected, abs=2e-4)


def test_gaussians_are_what_they_are_called() -> None:
    x, y = normal(4, 2, seed=3), normal(5, 2, seed=4)
    squares = ((x[:, None] - y) ** 2).sum(dim=2)
    expected = sum(torch.exp(-squares / (2 * b * b)) for b in BANDWIDTHS)
    torch.testing.assert_close(gaussians(BANDWIDTHS)(x, y), expected)


def test_the_energy_distance_is_that_of_scipy_and_twice_that_of_cramer() -> None:
    x, y = normal(13, 1, seed=5), normal(8, 1, seed=6, shift=0.7)
    found = biased_mmd2(negative_distance, x, y).item()
    assert found == pytest.approx(scipy.stats.energy_distance(x[:, 0], y[:, 0]) ** 2)
    ends = np.sort(torch.cat([x, y])[:, 0].numpy())
    steps = [(part[:, 0].numpy()[:, None] <= ends[:-1]).mean(axis=0) for part in (x, y)]
    assert found == pytest.approx(2 * ((steps[0] - steps[1]) ** 2 * np.diff(ends)).sum())


@pytest.mark.parametrize(("shift", "std"), [(0.0, 1.0), (2.0, 1.0), (-0.5, 0.3)])
def test_the_energy_distance_of_gaussians_has_its_closed_form(shift: float, std: float) -> None:
    def mean_distance(mean: float, variance: float) -> float:
        """E |t| of a Gaussian t."""
        deviation = math.sqrt(variance)
        spread = deviation * math.sqrt(2 / math.pi) * math.exp(-(mean**2) / (2 * variance))
        return spread + mean * math.erf(mean / (deviation * math.sqrt(2)))

    expected = 2 * mean_distance(shift, 1 + std**2) - mean_distance(0, 2)
    expected -= mean_distance(0, 2 * std**2)
    found = biased_mmd2(negative_distance, quantiles(800, 0, 1), quantiles(800, shift, std))
    assert found.item() == pytest.approx(expected, abs=1e-4)
    squared, _ = scipy.integrate.quad(
        lambda t: (scipy.stats.norm.cdf(t) - scipy.stats.norm.cdf(t, shift, std)) ** 2, -9, 9
    )
    assert expected == pytest.approx(2 * squared, abs=1e-7)


@each
def test_points_that_are_one_have_a_gradient(kernel: Kernel) -> None:
    x, y = normal(4, 2, seed=7), normal(4, 2, seed=8)
    y[0] = x[0]
    y.requires_grad_()
    for estimate in (biased_mmd2, unbiased_mmd2):
        (gradient,) = torch.autograd.grad(estimate(kernel, x, y), y)
        assert gradient.isfinite().all()
        assert gradient.abs().sum() > 0


def test_halves_are_compared_in_whole_numbers() -> None:
    x, y = normal(9, 2, seed=9).bfloat16(), normal(9, 2, seed=10).bfloat16()
    for kernel in KERNELS.values():
        found = biased_mmd2(kernel, x, y)
        assert found.dtype == torch.float32
        torch.testing.assert_close(found, biased_mmd2(kernel, x.float(), y.float()))


def test_what_has_no_pairs_or_no_width_is_refused() -> None:
    one, two = normal(1, 2, seed=11), normal(2, 2, seed=12)
    for pair in ((one, two), (two, one)):
        with pytest.raises(ganeval.GanevalError, match="with 1 item; needed: at least 2 items"):
            unbiased_mmd2(negative_distance, *pair)
    with pytest.raises(ganeval.GanevalError, match=r"bandwidths .*; needed: numbers above 0"):
        gaussians((1.0, 0.0))
