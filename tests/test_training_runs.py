"""The arithmetic of `scripts/retraining`: variance between and within runs, tests of groups."""

import numpy as np
import pytest
from scipy import stats

from scripts.training_runs.components import Components
from scripts.training_runs.groups import ALPHA, false_alarms, simulate

TRIALS = 20_000


def draw(between: float, within: float, shape: tuple[int, int], seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    runs = between * rng.standard_normal((shape[0], 1))
    return 5 + runs + within * rng.standard_normal(shape)


def known(between: float, within: float) -> Components:
    runs = between * np.array([-1.0, 1.0])
    return Components(5.0, between, (between, between), within, runs)


def test_components_give_the_f_of_an_analysis_of_variance() -> None:
    values = draw(0.7, 0.4, (8, 3), seed=0)
    found = Components.of(values)
    expected = stats.f_oneway(*values).statistic
    assert 3 * found.between**2 / found.within**2 + 1 == pytest.approx(expected, rel=1e-12)
    assert found.mean == pytest.approx(values.mean())
    assert found.runs.std(ddof=1) == pytest.approx(found.between)
    assert np.argsort(found.runs).tolist() == np.argsort(values.mean(axis=1)).tolist()


def test_components_are_right_on_average_and_their_interval_covers() -> None:
    found = [Components.of(draw(0.7, 0.4, (32, 2), seed)) for seed in range(2000)]
    assert np.mean([one.between**2 for one in found]) == pytest.approx(0.49, rel=0.02)
    assert np.mean([one.within**2 for one in found]) == pytest.approx(0.16, rel=0.02)
    covered = np.mean([one.between_interval[0] <= 0.7 <= one.between_interval[1] for one in found])
    assert covered == pytest.approx(0.95, abs=0.015)  # 3 binomial errors


def test_a_variance_below_0_is_0() -> None:
    found = Components.of(np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]))
    assert found.between == found.between_interval[0] == 0
    assert not found.runs.any()


@pytest.mark.parametrize("design", [(1, 1), (1, 3), (3, 3)])
def test_images_alone_alarm_as_often_as_the_noise_that_they_leave_out_says(
    design: tuple[int, int],
) -> None:
    rng = np.random.default_rng(0)
    found, _ = false_alarms(known(2.0, 1.0), design, TRIALS, rng, resampled=False)
    expected = stats.norm.sf(stats.norm.isf(ALPHA) / 5**0.5)  # the SD of z is that of 4 + 1
    assert found == pytest.approx(expected, abs=0.009)


def test_runs_are_resampled() -> None:
    one = known(1.0, 1e-3)  # so that the later run is worse if it is +1 and the other -1
    found, of_runs = false_alarms(one, (1, 1), TRIALS, np.random.default_rng(0), resampled=True)
    assert of_runs is None
    by_chance = 0.5 * ALPHA  # in half of the trials both are the same
    assert found == pytest.approx(0.25 + by_chance, abs=0.009)


@pytest.mark.parametrize("design", [(1, 3), (3, 1), (2, 2), (5, 5)])
def test_tests_over_runs_keep_alpha_where_all_is_normal(design: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    _, found = false_alarms(known(2.0, 1.0), design, TRIALS, rng, resampled=False)
    assert found is not None
    error = 3 * (ALPHA * (1 - ALPHA) / TRIALS) ** 0.5
    assert found < ALPHA + error
    if 1 in design:  # the pooled test is exact, Welch's errs on the safe side
        assert found > ALPHA - error


@pytest.mark.parametrize("design", [(1, 3), (2, 3)])
def test_tests_over_runs_are_those_of_the_textbook(design: tuple[int, int]) -> None:
    _, found = false_alarms(known(2.0, 1.0), design, 500, np.random.default_rng(0), resampled=False)
    rng = np.random.default_rng(0)
    sides = []
    for num in design:
        effects, errors = (rng.standard_normal((500, num)) for _ in range(2))
        sides.append(5 + 2 * effects + errors)
    alarms = 0
    for before, after in zip(*sides, strict=True):
        parts = [side.var(ddof=1) / len(side) if len(side) > 1 else 0.0 for side in (before, after)]
        freedom = len(after) - 1.0
        squared = parts[1] * len(after) * (1 / len(before) + 1 / len(after))
        if len(before) > 1:  # Welch-Satterthwaite
            squared = sum(parts)
            freedom = squared**2 / (
                parts[0] ** 2 / (len(before) - 1) + parts[1] ** 2 / (len(after) - 1)
            )
        alarms += (after.mean() - before.mean()) / squared**0.5 > stats.t.isf(ALPHA, freedom)
    assert found == alarms / 500


def test_every_design_is_simulated_under_both_laws() -> None:
    found = simulate(known(1.0, 1e-3), 1000, np.random.default_rng(0))
    designs = [(1, 1), (1, 3), (2, 2), (3, 3), (5, 5)]
    assert [(one["before"], one["after"]) for one in found] == designs
    assert [one["normal"][1] is None for one in found] == [True, False, False, False, False]
    assert found[0]["normal"][0] == pytest.approx(0.5, abs=0.05)  # see the tests above
    assert found[0]["resampled"][0] == pytest.approx(0.275, abs=0.05)
