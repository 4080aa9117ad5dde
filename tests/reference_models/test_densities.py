"""Toy densities and what is said of their modes, against closed forms."""

from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats
import torch

from reference_models.data.densities import (
    Mixture,
    covered_modes,
    found_modes,
    grid25,
    high_quality,
    mix1d,
    mode_kl,
    nearest_modes,
    ring8,
)

density = pytest.mark.parametrize("build", [ring8, grid25, mix1d])


@density
def test_densities_integrate_to_one(build: Callable[[], Mixture]) -> None:
    data = build()
    step = data.std / 2  # the trapezoidal rule is exact to many digits for Gaussians
    low, high = data.modes.min() - 8 * data.std, data.modes.max() + 8 * data.std
    line = np.arange(low, high, step)
    grid = np.stack(np.meshgrid(*[line] * data.shape[0], indexing="ij"), axis=-1)
    total = 0.0
    for part in np.array_split(grid.reshape(-1, data.shape[0]), 40):
        total += data.density(part).sum() * step ** data.shape[0]
    assert total == pytest.approx(1, abs=1e-6)


@density
def test_density_is_that_of_scipy(build: Callable[[], Mixture]) -> None:
    data = build()
    x = np.random.default_rng(0).uniform(-4, 4, (50, *data.shape))
    expected = sum(
        weight * scipy.stats.multivariate_normal(mode, data.std**2).pdf(x)
        for mode, weight in zip(data.modes, data.weights, strict=True)
    )
    np.testing.assert_allclose(data.density(x), expected, rtol=1e-9, atol=1e-300)
    assert np.isfinite(data.log_density(np.full((1, *data.shape), 100.0))).all()


@density
def test_samples_have_the_moments_of_the_mixture(build: Callable[[], Mixture]) -> None:
    data, num = build(), 50_000
    samples = data.batch(0, 0, num)["real"].double().numpy()
    mean = data.weights @ data.modes
    offsets = data.modes - mean
    covariance = data.std**2 * np.eye(len(mean)) + (data.weights * offsets.T) @ offsets
    deviation = np.sqrt(np.diag(covariance))
    assert (abs(samples.mean(axis=0) - mean) < 4 * deviation / np.sqrt(num)).all()
    np.testing.assert_allclose(
        np.atleast_2d(np.cov(samples.T)), covariance, atol=0.03 * deviation.max() ** 2
    )
    counts = np.bincount(
        abs(samples[:, None] - data.modes).sum(axis=2).argmin(axis=1), minlength=len(data.modes)
    )
    # Between modes of mix1d lie 2.5 standard deviations on either side: 0.4 % go astray.
    assert (abs(counts / num - data.weights) < 0.01).all()


def test_samples_follow_the_distribution_function() -> None:
    data = mix1d()
    samples = data.batch(5, 0, 20_000)["real"][:, 0].numpy()
    parts = scipy.stats.norm.cdf(samples[:, None], data.modes[:, 0], data.std)
    assert scipy.stats.kstest(parts @ data.weights, "uniform").pvalue > 0.001


def test_no_sample_comes_twice() -> None:
    samples = ring8().batch(0, 0, 10_000)["real"]
    assert len(torch.unique(samples, dim=0)) == 10_000


def test_modes_are_those_of_the_papers() -> None:
    ring, grid = ring8().modes, grid25().modes
    np.testing.assert_allclose(np.linalg.norm(ring, axis=1), 2)
    np.testing.assert_allclose(
        np.linalg.norm(ring - np.roll(ring, 1, axis=0), axis=1), 4 * np.sin(np.pi / 8)
    )
    places = {(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}
    assert {tuple(mode) for mode in grid.tolist()} == places
    assert (ring8().std, grid25().std, ring8(std=0.02).std) == (0.1, 0.05, 0.02)


@pytest.mark.parametrize("build", [ring8, grid25])
def test_the_data_itself_covers_its_modes(build: Callable[[], Mixture]) -> None:
    data = build()
    samples = data.batch(0, 0, 20_000)["real"]
    share = 1 - np.exp(-4.5)  # of the chi distribution with two degrees of freedom, within 3
    error = np.sqrt(share * (1 - share) / 20_000)
    assert abs(high_quality(samples, data).mean() - share) < 4 * error
    assert covered_modes(samples, data) == len(data.modes)
    assert 0 <= mode_kl(samples, data) < 0.005  # K / 2N on average


def test_high_quality_ends_at_three_standard_deviations() -> None:
    data = ring8()
    direction = np.array([0.6, 0.8])
    points = data.modes[3] + np.outer([0, 0.299, 0.301, 50], direction)
    assert high_quality(points, data).tolist() == [True, True, False, False]
    assert high_quality(np.array([[np.nan, 0.0]]), data).tolist() == [False]


def test_a_mode_counts_from_a_fifth_of_its_share() -> None:
    data = ring8()
    # Shares of 1,000: the fair one is 125, so 25 is enough and 24 is not.
    samples = np.repeat(data.modes, [25, 24, 25, 26, 300, 300, 300, 0], axis=0)
    assert covered_modes(samples, data) == 6
    far = np.full((5000, 2), 50.0)  # of low quality: they count neither for nor against
    assert covered_modes(torch.from_numpy(np.concatenate([samples, far])), data) == 6
    assert covered_modes(far, data) == 0


def test_a_mode_is_found_from_a_fifth_of_its_share_of_all_samples() -> None:
    data = ring8()
    samples = np.repeat(data.modes, [25, 24, 25, 26, 300, 300, 300, 0], axis=0)
    assert found_modes(samples, data) == 6
    far = np.full((1000, 2), 50.0)  # of low quality: now the fair share is 250, a fifth 50
    assert found_modes(np.concatenate([samples, far]), data) == 3
    spread = np.random.default_rng(0).uniform(-3, 3, (5000, 2))
    assert covered_modes(spread, data) == 8
    assert found_modes(spread, data) == 0
    assert nearest_modes(torch.from_numpy(samples[[0, 30, -1]]), data).tolist() == [0, 1, 6]


def test_mode_kl_has_its_closed_forms() -> None:
    data = ring8()
    assert mode_kl(data.modes, data) == pytest.approx(0, abs=1e-15)
    assert mode_kl(data.modes[:1], data) == pytest.approx(np.log(8))
    assert mode_kl(data.modes[:4], data) == pytest.approx(np.log(2))
    samples = np.repeat(data.modes, [1, 2, 3, 4, 5, 6, 7, 8], axis=0)
    expected = scipy.stats.entropy(np.arange(1, 9) / 36, np.full(8, 1 / 8))
    assert mode_kl(samples, data) == pytest.approx(expected)
    assert mode_kl(np.array([[-1.0], [-1.0], [1.5]]), mix1d()) == pytest.approx(0, abs=1e-12)


def test_divergences_disagree_on_the_best_gaussian_for_mix1d() -> None:
    data = mix1d()
    x = np.linspace(-8, 8, 1601)
    log_p = data.log_density(x[:, None])
    means, stds = np.linspace(-2, 2, 81), np.linspace(0.3, 1.6, 66)
    log_q = scipy.stats.norm.logpdf(x, means[:, None, None], stds[:, None])
    step = x[1] - x[0]
    forward = (np.exp(log_p) * (log_p - log_q)).sum(axis=2) * step
    backward = (np.exp(log_q) * (log_q - log_p)).sum(axis=2) * step
    row, column = np.unravel_index(forward.argmin(), forward.shape)
    assert means[row] == pytest.approx(-1 / 6, abs=0.03)  # the moments of the mixture
    assert stds[column] == pytest.approx(np.sqrt(0.25 + 2.5**2 * 2 / 9), abs=0.02)
    row, column = np.unravel_index(backward.argmin(), backward.shape)
    assert means[row] == pytest.approx(-1, abs=0.06)  # the heavier mode
    assert stds[column] == pytest.approx(0.5, abs=0.06)
