"""Authenticity against a brute-force loop, and the search for the nearest among others."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganeval.machine.resources import DEFAULT, Resources
from ganeval.metrics.authenticity import Authenticity
from ganeval.metrics.base import Result
from ganeval.metrics.parts.distances import BLOCK, on_common_centre
from ganeval.metrics.parts.nearest import nearest_among
from tests.summaries import InMemory, inputs

Rows = npt.NDArray[np.float32]


def computed(sample: Rows, train: Rows, resources: Resources = DEFAULT) -> Result:
    metric = Authenticity()
    roles = {
        "sample": InMemory(sample, resources=resources),
        "train": InMemory(train, resources=resources),
    }
    return metric.compute(inputs(metric, roles), np.random.default_rng(0))


def literal(sample: Rows, train: Rows) -> tuple[list[bool], list[float], list[int]]:
    """Whether each item is authentic, its distance to the nearest, and which that is."""
    authentic, distances, places = [], [], []
    known = train.astype(float)
    for row in sample.astype(float):
        to_known = [float(((row - one) ** 2).sum()) for one in known]
        place = to_known.index(min(to_known))
        own = [
            float(((known[place] - one) ** 2).sum())
            for other, one in enumerate(known)
            if other != place
        ]
        authentic.append(to_known[place] > min(own))
        distances.append(to_known[place] ** 0.5)
        places.append(place)
    return authentic, distances, places


def whole(rng: np.random.Generator, num: int, width: int = 3, values: int = 3) -> Rows:
    """Points of a small grid, with many ties and copies."""
    return rng.integers(0, values, (num, width)).astype(np.float32)


@pytest.mark.parametrize("seed", range(6))
def test_it_is_the_loop_over_all_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sides = (
        (rng.standard_normal((70, 5)).astype(np.float32), rng.standard_normal((50, 5)))
        if seed % 2
        else (whole(rng, 70, 4), whole(rng, 60, 4))
    )
    sample, train = sides[0], sides[1].astype(np.float32)
    authentic, distances, _ = literal(sample, train)
    result = computed(sample, train)
    (score,) = result.scores
    assert score.value == np.mean(authentic)
    assert 0 < score.value < 1
    assert score.details == {"copies": distances.count(0)}
    assert score.influence is not None
    np.testing.assert_allclose(score.influence.sample, np.array(authentic) - score.value)
    assert score.influence.se == pytest.approx(score.se)


def test_a_planted_share_of_copies_is_found() -> None:
    """A sample far from the training set, k of which are copies: authenticity is 1 - k/n."""
    rng = np.random.default_rng(0)
    train = rng.standard_normal((300, 8)).astype(np.float32)
    sample = (rng.standard_normal((200, 8)) + 20).astype(np.float32)
    for num_copies in (0, 1, 30, 200):
        mixed = sample.copy()
        mixed[:num_copies] = train[rng.permutation(300)[:num_copies]]
        result = computed(mixed[rng.permutation(200)], train)
        (score,) = result.scores
        assert score.value == pytest.approx(1 - num_copies / 200)
        assert score.details["copies"] == num_copies
        assert bool(score.cautions) == (num_copies > 0)
        low, high = score.interval or (np.nan, np.nan)
        assert low <= score.value <= high
        assert high - low > 0.01


def test_a_copy_of_a_twin_is_no_new_item() -> None:
    """Twins have distance 0 to one another: only what is not equal to them is new."""
    train = np.array([[0, 0], [0, 0], [9, 9]], np.float32)
    sample = np.array([[0, 0], [0.1, 0], [9, 9], [9, 8]], np.float32)
    result = computed(sample, train)
    assert result.scores[0].value == 1 / 4
    ratio = result.per_item["nearest training item"]
    np.testing.assert_array_equal(ratio, [0, np.nan, 0, np.float64(1) / np.sqrt(162)])
    shown = result.evidence["copies"]
    assert shown.roles == ("sample", "train")
    assert shown.rows.tolist() == [[0, 0], [2, 2], [3, 2]]
    assert np.isfinite(shown.values).all()


def test_equally_far_is_not_new() -> None:
    train = np.array([[0.0], [2.0]], np.float32)
    sample = np.array([[-2.0], [-2.5], [4.0], [1.0]], np.float32)
    assert computed(sample, train).scores[0].value == 1 / 4


def test_the_error_is_the_spread_over_samples() -> None:
    rng = np.random.default_rng(1)
    train = rng.standard_normal((60, 3)).astype(np.float32)
    drawn = [
        computed(rng.standard_normal((80, 3)).astype(np.float32) * 1.1, train).scores[0]
        for _ in range(400)
    ]
    errors = [score.se for score in drawn]
    expected = np.std([score.value for score in drawn])  # to 3.5 %
    assert np.mean(np.array(errors, float)) == pytest.approx(expected, rel=0.12)


def assert_nearest(queries: Rows, points: Rows, resources: Resources = DEFAULT) -> None:
    one, other = on_common_centre(queries, points, resources)
    found = nearest_among(one, other, resources)
    known = points.astype(float)
    for at, row in enumerate(queries.astype(float)):
        squared = ((row - known) ** 2).sum(axis=1)
        assert found.indices[at, 0] == squared.argmin()  # the first of equal ones
        assert found.squared[at, 0] == pytest.approx(squared.min(), rel=1e-14)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([1, 2, 40]), st.sampled_from([1, 3, 17]))
def test_nearest_among_ties_and_copies(seed: int, num: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    assert_nearest(whole(rng, 30, width), whole(rng, num, width))


@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param(lambda rows, rng: rows, id="as they are"),
        pytest.param(lambda rows, rng: rows + 1e4, id="far from the origin"),
        pytest.param(lambda rows, rng: rows * 1e-12, id="tiny"),
        pytest.param(lambda rows, rng: np.repeat(rows[:1], len(rows), axis=0), id="all equal"),
        pytest.param(
            lambda rows, rng: np.where(rng.random((len(rows), 1)) < 0.01, 1e6, rows), id="outliers"
        ),
        pytest.param(lambda rows, rng: rows[rng.integers(0, 9, len(rows))], id="copies"),
    ],
)
def test_nearest_among_several_blocks(spoilt: Any) -> None:
    rng = np.random.default_rng(3)
    queries = rng.standard_normal((BLOCK + 7, 6)).astype(np.float32)
    points = rng.standard_normal((BLOCK + 45, 6)).astype(np.float32)
    points[BLOCK - 10 : BLOCK + 30] = queries[:40]
    queries, points = (
        np.asarray(spoilt(side, np.random.default_rng(4)), np.float32) for side in (queries, points)
    )
    assert_nearest(queries, points)


def test_memory_and_threads_change_nothing() -> None:
    rng = np.random.default_rng(5)
    sample, train = whole(rng, 1500, 6, 8), whole(rng, 1300, 6, 8)
    one = computed(sample, train)
    other = computed(sample, train, Resources(memory=200_000_000, threads=3))
    assert one.scores == other.scores
    np.testing.assert_array_equal(
        one.per_item["nearest training item"], other.per_item["nearest training item"]
    )
