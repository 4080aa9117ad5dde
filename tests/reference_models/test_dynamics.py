"""Every solver and stabiliser on the Dirac-GAN, whose linearised step is known in closed form."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from reference_models.consensus import Consensus
from reference_models.engine.draw import Draw
from reference_models.engine.solvers import Simultaneous
from reference_models.experiments import first_order
from reference_models.experiments.dirac import SETTINGS, STEP, Setting
from reference_models.experiments.first_order import Floats
from reference_models.parts.stabilise import Stabiliser
from reference_models.unrolled import Unrolled

ORIGIN = np.zeros(2)
HALF = STEP / 2  # f'(0) = 1/2 is the slope of the loss


def noise_moment() -> float:
    """The mean of both squared noises of the first step, as the game draws them."""
    draws = [
        Draw(0, 0).normal(f"instance noise {one}", 1000, 1).double() for one in ("real", "fake")
    ]
    return float(sum(draw.square().mean() for draw in draws)) / 2


# Name -> how much a step shrinks (theta, psi) beside turning them, and the largest eigenvalue.
EXPECTED = {
    "simultaneous": ((0.0, 0.0), 1.0012),  # turns outwards
    "alternating": ((HALF**2, 0.0), 1.0),
    "unrolled, K = 1": ((STEP * STEP / 2, 0.0), 0.9987),
    "unrolled, K = 5": ((5 * STEP * STEP / 2, 0.0), 0.9887),
    "unrolled, K = 10": ((10 * STEP * STEP / 2, 0.0), 0.9760),
    "Nagarajan, eta = 0.5": ((0.5 * STEP / 2, 0.0), 0.9887),  # K STEP = eta
    "consensus, gamma = 1": ((STEP / 4, STEP / 4), 0.9763),
    "consensus, gamma = 10": ((10 * STEP / 4, 10 * STEP / 4), 0.7517),
    "R1, gamma = 1": ((0.0, STEP), 0.9500),
    "Roth, gamma = 1": ((0.0, STEP / 2), 0.9760),
    "instance noise, std 1": ((0.0, STEP / 2 * noise_moment()), 0.9760),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_step_at_the_equilibrium(name: str) -> None:
    (of_theta, of_psi), largest = EXPECTED[name]
    found = SETTINGS[name].jacobian(ORIGIN)
    expected = [[1 - of_theta, HALF], [-HALF, 1 - of_psi]]
    np.testing.assert_allclose(found, expected, atol=1e-8)
    tolerance = 1e-3 if "noise" in name else 1e-4  # R1's two eigenvalues are one
    assert np.abs(np.linalg.eigvals(found)).max() == pytest.approx(largest, abs=tolerance)


def test_lazy_penalties_are_paid_in_one_step_of_so_many_and_as_many_times() -> None:
    every = Setting(solver=Simultaneous(), stabiliser=Stabiliser(r1_weight=0.4))
    lazy = replace(every, stabiliser=replace(every.stabiliser, penalty_every=3))
    heavy = replace(every, stabiliser=replace(every.stabiliser, r1_weight=1.2))
    start = np.array([0.3, 0.7])
    path = lazy.path(start, 3)
    np.testing.assert_allclose(path[1], heavy.path(start, 1)[1])
    np.testing.assert_allclose(path[2:], SETTINGS["simultaneous"].path(path[1], 2)[1:])


def test_r2_is_r1_at_the_generated_point() -> None:
    # D's slope is psi everywhere, so the two penalties are one here.
    first, second = (
        Setting(solver=Simultaneous(), stabiliser=one).jacobian(np.array([0.5, 0.2]))
        for one in (Stabiliser(r1_weight=1.0), Stabiliser(r2_weight=1.0))
    )
    np.testing.assert_allclose(first, second, atol=1e-9)


def test_dragan_pulls_the_slope_to_one() -> None:
    setting = Setting(solver=Simultaneous(), stabiliser=Stabiliser(dragan_weight=2.0), num_points=2)
    plain = SETTINGS["simultaneous"].path(np.array([0.0, 0.4]), 1)[1]
    pulled = setting.path(np.array([0.0, 0.4]), 1)[1]
    np.testing.assert_allclose(pulled - plain, [0.0, -STEP * 2 * 2 * (0.4 - 1)])


@pytest.mark.parametrize(
    "name",
    [
        "simultaneous",
        "alternating",
        "unrolled, K = 5",
        "consensus, gamma = 1",
        "Nagarajan, eta = 0.5",
    ],
)
@pytest.mark.parametrize("data", [0.0, 1.0, 3.0])
def test_the_equilibrium_is_a_fixed_point_wherever_the_data_are(name: str, data: float) -> None:
    setting = replace(SETTINGS[name], data=data)
    np.testing.assert_allclose(setting.path(np.array([data, 0.0]), 1)[1], [data, 0.0], atol=1e-12)


@pytest.mark.parametrize("name", ["R1, gamma = 1", "Roth, gamma = 1"])
def test_a_penalised_line_still_has_the_equilibrium(name: str) -> None:
    np.testing.assert_allclose(SETTINGS[name].path(ORIGIN, 1)[1], ORIGIN, atol=1e-12)


@pytest.mark.parametrize("data", [1.0, 3.0])
def test_the_unrolled_generator_arrives_at_the_data(data: float) -> None:
    setting = Setting(solver=Unrolled(5, STEP), data=data)
    found = setting.path(np.array([data - 0.5, 0.0]), 400)[-1]
    np.testing.assert_allclose(found, [data, 0.0], atol=0.05)  # without the real term .8 and 1.4


def test_consensus_arrives_where_simultaneous_leaves() -> None:
    theta, psi = 1.0, -1.0
    for _ in range(300):
        sigmoid = 1 / (1 + np.exp(-theta * psi))
        theta, psi = theta + STEP * sigmoid * psi, psi - STEP * sigmoid * theta
    start = np.array([1.0, -1.0])
    left = SETTINGS["simultaneous"].path(start, 300)[-1]
    np.testing.assert_allclose(left, [theta, psi], rtol=1e-9)
    assert np.linalg.norm(left) > 1.9
    assert np.linalg.norm(Setting(solver=Consensus(1.0)).path(start, 300)[-1]) < 2e-3


def test_the_gradients_of_two_gaussians_are_those_of_finite_differences() -> None:
    random = np.random.default_rng(0)
    mean, intervals = random.uniform(-2, 2, 2), np.sort(random.uniform(-3, 3, 4)).reshape(2, 2)
    small = 1e-6

    def slope(function: Callable[[Floats], float], at: Floats) -> Floats:
        shifts = small * np.eye(at.size).reshape(-1, *at.shape)
        rises = [function(at + shift) - function(at - shift) for shift in shifts]
        return np.reshape(rises, at.shape) / (2 * small)

    of_means = slope(lambda one: first_order.loss(one, intervals), mean)
    of_intervals = slope(lambda one: first_order.loss(mean, one), intervals)
    np.testing.assert_allclose(first_order.slope_of_means(mean, intervals), of_means, atol=1e-9)
    found = first_order.slope_of_intervals(mean, intervals)
    np.testing.assert_allclose(found, of_intervals, atol=1e-9)


@pytest.mark.parametrize("mean", [(0.5, 2.0), (-1.5, 1.7), (-3.0, 0.4), (0.0, 0.0), (2.0, 2.5)])
def test_the_best_intervals_reach_the_total_variation(mean: tuple[float, float]) -> None:
    means = np.array(mean)
    grid = np.linspace(-12, 12, 200_001)
    gap = first_order.density(first_order.TRUTH, grid) - first_order.density(means, grid)
    variation = np.abs(gap).sum() * (grid[1] - grid[0]) / 2
    best = first_order.best_intervals(means)
    assert first_order.loss(means, best) - 1 == pytest.approx(variation, abs=1e-5)
    # At its maximum no end of an interval has a slope; an end of the grid has next to none.
    slopes = first_order.slope_of_intervals(means, best)[best != 0]
    np.testing.assert_allclose(slopes, 0, atol=1e-4)
