"""What errors and intervals of FID promise, over many draws of laws whose distance is known."""

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
import scipy.stats

from ganeval.metrics.base import Score
from ganeval.metrics.frechet import Fid
from ganeval.metrics.parts.extrapolation import FOURTHS, HALVES, extrapolated, quarters
from ganeval.metrics.parts.intervals import NORMAL, of_distance
from ganeval.scores.influence import Influence
from tests.summaries import InMemory, inputs

WIDTH = 8
MIXING = np.random.default_rng(WIDTH).standard_normal((WIDTH, WIDTH)) / WIDTH**0.5
# Scale and shift of the sample; in standard errors of 80 images a side the distances are about 0,
# 0.2, 1.5 and 8.
LAWS = {"equal": (1.0, 0.0), "tiny": (1.0, 0.1), "medium": (1.1, 0.3), "far": (1.3, 1.0)}
DRAWS = 250
# If 250 intervals miss on one side with probability 4 %, more miss with probability 1e-3.
MOST_MISSES = int(scipy.stats.binom.isf(1e-3, DRAWS, 0.04))


def draw(num: int, rng: np.random.Generator, law: str = "equal") -> npt.NDArray[np.float32]:
    """Skewed features of mean `shift` and covariance `scale`^2 M M^T."""
    scale, shift = LAWS[law]
    rows = (rng.standard_exponential((num, WIDTH)) - 1) @ MIXING.T
    return np.asarray(scale * rows + shift, np.float32)


def truth(law: str) -> float:
    """The distance of a law from the first: covariances that are multiples have one root."""
    scale, shift = LAWS[law]
    return float(WIDTH * shift**2 + (scale - 1) ** 2 * np.sum(MIXING**2))


def drawn(
    law: str, num: int, num_reference: int, *, parts: bool = False, draws: int = DRAWS
) -> list[Score]:
    rng = np.random.default_rng(1)
    scores = []
    for seed in range(draws):
        sample, reference = InMemory(draw(num, rng, law)), InMemory(draw(num_reference, rng))
        if parts:
            dealt = quarters(num_reference, rng)
            reference = InMemory(reference.array, keeps_rows=False, stored_parts=dealt)
        found = inputs(Fid(), {"sample": sample, "reference": reference})
        scores += Fid().compute(found, np.random.default_rng(seed)).scores
    return scores


def check(scores: list[Score], true: float, *, within: tuple[float, float]) -> None:
    """Intervals miss on either side by 4 % at most, and the errors are the spread.

    `within` is for the mean variance over that of the draws, which is itself known up to the
    99.9 % of a chi-square distribution.
    """
    low, high = np.array([one.interval for one in scores]).T
    assert (low < high).all()
    assert (low >= 0).all()
    assert (low > true).sum() <= MOST_MISSES
    assert (high < true).sum() <= MOST_MISSES
    values = np.array([one.details["debiased"] for one in scores])
    spread = values.std(ddof=1)
    assert abs(values.mean() - true) < 3.5 * spread / DRAWS**0.5 + 0.05 * spread
    ratio = np.mean([(one.se or 0.0) ** 2 for one in scores]) / spread**2
    doubt = scipy.stats.chi2.ppf([0.0005, 0.9995], DRAWS - 1) / (DRAWS - 1)
    assert within[0] * doubt[0] < ratio < within[1] * doubt[1]


@pytest.mark.parametrize("law", LAWS)
def test_errors_are_the_spread_and_intervals_cover(law: str) -> None:
    """Influences count the second order twice, and equal laws have only the second order."""
    scores = drawn(law, 80, 80)
    check(scores, truth(law), within=(0.9, 1.5))
    biased = np.mean([one.value for one in scores]) - truth(law)
    assert biased > 10 * np.std([one.value for one in scores]) / DRAWS**0.5


@pytest.mark.parametrize("law", ["equal", "medium", "far"])
@pytest.mark.parametrize(("num", "num_reference"), [(80, 320), (1600, 80)])
def test_of_a_reference_that_is_stored_in_parts(law: str, num: int, num_reference: int) -> None:
    check(drawn(law, num, num_reference, parts=True), truth(law), within=(0.75, 1.5))


def test_an_error_of_four_parts_has_the_quantiles_of_three_degrees_of_freedom() -> None:
    """With 1,600 images against 80, nearly all of the error comes from the reference.

    If 600 intervals miss with 6 %, more miss with probability 1e-3; with the quantiles of the
    normal distribution 11 % do.
    """
    scores, true = drawn("far", 1600, 80, parts=True, draws=600), truth("far")
    degrees = [one.influence.df or math.inf for one in scores if one.influence is not None]
    assert 3 < np.median(degrees) < 6
    low, high = np.array([one.interval for one in scores]).T
    assert ((low > true) | (high < true)).sum() <= scipy.stats.binom.isf(1e-3, 600, 0.06)


@pytest.mark.parametrize("mean", [0.0, 0.5])
def test_the_variance_of_an_extrapolated_score(mean: float) -> None:
    """The score is |mean of x|^2, whose bias is tr S / N and whose orders are known.

    For x ~ N(mean, I) in d dimensions the first order has the variance 4 |mean|^2 / N, and the
    second T = 2 d / (N (N - 1)).
    """
    rng, num, width = np.random.default_rng(3), 64, 5
    values, of_influences = [], []
    for _ in range(3000):
        x = rng.standard_normal((num, width)) + mean
        parts = quarters(num, rng)

        def square(rows: npt.NDArray[np.integer], x: npt.NDArray[np.float64] = x) -> float:
            return float(np.sum(x[rows].mean(axis=0) ** 2))

        halves, fourths = (
            [square(np.concatenate([parts[at] for at in group])) for group in which]
            for which in (HALVES, FOURTHS)
        )
        values.append(extrapolated(square(np.arange(num)), halves, fourths))
        own = 2 * (x - x.mean(axis=0)) @ x.mean(axis=0)
        of_influences.append(Influence(sample=own).se ** 2)
    first, second = 4 * width * mean**2 / num, 2 * width / (num * (num - 1))
    # Each is known to about 3 % from 3,000 draws; what is of the next order adds as much.
    assert np.mean(values) == pytest.approx(width * mean**2, abs=4 * np.std(values) / 3000**0.5)
    assert np.mean(of_influences) == pytest.approx(first + 2 * second, rel=0.08)
    assert np.var(values) == pytest.approx(first + 4 / 3 * second, rel=0.12)


def steps(ends: Iterator[float]) -> npt.NDArray[np.float64]:
    return np.array([later - earlier for earlier, later in pairwise(ends)])


def test_the_interval_of_a_distance_moves_with_it() -> None:
    values = np.linspace(-5, 30, 400)
    found = [of_distance(float(value), 1.0) for value in values]
    for low, high in found:
        assert 0 <= low < high
    for which in (0, 1):
        assert (steps(iter([one[which] for one in found])) >= 0).all()
    # Far away it is that of a normal estimate; Student's of few degrees is wider.
    low, high = of_distance(1000.0, 1.0)
    assert (low, high) == pytest.approx((1000 - NORMAL, 1000 + NORMAL), abs=0.01)
    assert of_distance(1000.0, 1.0, 3)[0] == pytest.approx(1000 - scipy.stats.t.isf(0.025, 3))


def test_degrees_of_freedom_are_those_of_the_side_that_varies() -> None:
    rng = np.random.default_rng(4)
    many, few = rng.standard_normal(1000), rng.standard_normal(4)
    assert Influence(sample=many).df is None
    alone = Influence(sample=0 * many, reference=few)
    assert alone.df == pytest.approx(3)
    one, other = many.var(ddof=1) / 1000, (0.1 * few).var(ddof=1) / 4
    both = Influence(sample=many, reference=0.1 * few)
    relative = scipy.stats.kurtosis(many, fisher=False) - 1 + 2 / 999
    expected = (one + other) ** 2 / (one**2 * max(relative / 2000, 1 / 999) + other**2 / 3)
    assert both.df == pytest.approx(expected)
    assert Influence(sample=many, reference=1e-3 * few).df is None
    assert Influence(sample=0 * many).df is None


@pytest.mark.parametrize("scale", [1e-100, 1.0, 1e100])
def test_degrees_of_freedom_are_fewer_where_few_units_carry_the_variance(scale: float) -> None:
    """The variance of n draws has the variance 2 / df times its square, by definition of df."""
    rng = np.random.default_rng(5)
    draws = rng.standard_t(9, (4000, 60))
    variances = draws.var(axis=1, ddof=1)
    relative = variances.var() / variances.mean() ** 2
    found = np.array([Influence(sample=scale * one).df for one in draws], float)
    # Kurtosis 4.2: (4.2 - 1 + 2 / 59) / 60 by the law; the mean of what draws say is 3 % off.
    assert relative == pytest.approx((4.2 - 1 + 2 / 59) / 60, rel=0.1)
    assert np.mean(2 / found) == pytest.approx(relative, rel=0.15)
    assert (found < 59.001).all()
    assert found.min() < 20
