"""The birthday test on samples whose support is known, and against loops over all pairs."""

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import scipy.stats

import ganeval
from ganeval.errors import UsageError
from ganeval.machine.resources import DEFAULT, Resources
from ganeval.metrics.base import Result, Score
from ganeval.metrics.birthday import Birthday, independent_pairs
from ganeval.metrics.parts.intervals import clopper_pearson
from tests.summaries import InMemory, inputs

Rows = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
REFERENCE = np.arange(10, dtype=np.float32)[:, None] ** 2  # the nearest pair is 1 apart


def result_of(
    sample: Rows,
    reference: Rows = REFERENCE,
    *,
    seed: int = 0,
    resources: Resources = DEFAULT,
    **options: Any,
) -> Result:
    metric = Birthday(**options)
    sides = {
        "sample": InMemory(sample, resources=resources),
        "reference": InMemory(reference, resources=resources),
    }
    return metric.compute(inputs(metric, sides), np.random.default_rng(seed))


def score_of(sample: Rows, reference: Rows = REFERENCE, **options: Any) -> Score:
    (score,) = result_of(sample, reference, **options).scores
    return score


def drawn(law: Floats, num: int, rng: np.random.Generator, width: int = 4) -> Rows:
    """A sample of a law over random points."""
    points = rng.random((len(law), width)).astype(np.float32)
    return points[rng.choice(len(law), num, p=law)]


def uniform(num: int) -> Floats:
    return np.full(num, 1 / num)


@pytest.mark.parametrize("num_pictures", [1, 10, 100, 1000])
def test_the_interval_holds_the_number_of_planted_pictures(num_pictures: int) -> None:
    rng, trials = np.random.default_rng(num_pictures), 150
    below = above = 0
    for _ in range(trials):
        score = score_of(drawn(uniform(num_pictures), 150, rng), reach=0.0)
        low, high = score.interval or (score.details["at_least"], np.inf)
        below += high < num_pictures - 1e-9
        above += low > num_pictures + 1e-9
        assert low <= score.value * (1 + 1e-12)
        assert score.value <= high * (1 + 1e-12)
    # Among 150 intervals of 95 % no more than 7.5 + 3 x 2.7 miss, 3.75 + 3 x 1.9 on one side.
    assert below + above <= 15
    assert max(below, above) <= 9


def test_repetitions_are_counted_in_all_pairs() -> None:
    sample = np.array([[0], [0], [0], [3], [3], [7]], np.float32)
    score = score_of(sample, reach=0.0)
    assert score.value == 15 / 4
    assert score.details == {"repetitions": 4, "reach": 0}
    assert score_of(sample, reach=3.0).details["repetitions"] == 3 + 1 + 6
    assert score_of(sample, reach=4.0).value == 15 / 12  # on the rim is within


def test_without_a_repetition_there_is_a_bound_and_no_interval() -> None:
    num = 40
    sample = np.arange(num, dtype=np.float32)[:, None] * 5
    score = score_of(sample, reach=1.0)
    pairs = num * (num - 1) / 2
    assert (score.value, score.interval, score.se) == (pairs, None, None)
    at_least = score.details["at_least"]
    assert (1 - 1 / at_least) ** pairs == pytest.approx(0.05)
    assert at_least == pytest.approx(pairs / 3, rel=0.01)
    assert score.cautions == {"no repetition among 40 images": "a lower bound"}
    assert any("no interval" in note and "at least 261 with" in note for note in score.notes)


@pytest.mark.parametrize("num_reference", [5, 60, 400])
def test_the_reach_is_the_nearest_pair_of_as_many_reference_items(num_reference: int) -> None:
    rng = np.random.default_rng(1)
    sample, reference = (
        rng.standard_normal((num, 3)).astype(np.float32) for num in (60, num_reference)
    )
    found = {score_of(sample, reference, seed=seed).details["reach"] for seed in range(3)}
    apart = sorted(
        float(np.linalg.norm(one.astype(float) - other))
        for one, other in itertools.combinations(reference, 2)
    )
    if num_reference <= 60:
        assert list(found) == [pytest.approx(apart[0])]
    else:  # of 60 of them, another nearest pair each time
        assert len(found) > 1
        assert min(found) >= apart[0] * (1 - 1e-12)
        assert all(min(abs(one - np.array(apart))) < 1e-9 for one in found)
    score = score_of(sample, reference)
    within = sum(
        np.linalg.norm(one.astype(float) - other) <= score.details["reach"] * (1 + 1e-12)
        for one, other in itertools.combinations(sample, 2)
    )
    assert score.details["repetitions"] == within
    assert ("fewer reference than sample images" in score.cautions) == (num_reference < 60)


def test_real_items_repeat_about_once() -> None:
    rng = np.random.default_rng(2)
    repetitions = [
        score_of(*rng.standard_normal((2, 60, 8)).astype(np.float32)).details["repetitions"]
        for _ in range(80)
    ]
    # Pairs of both sides near each other are two Poisson processes of one rate.
    assert np.mean(repetitions) == pytest.approx(1, abs=3 * (2 / 80) ** 0.5)
    assert np.mean(np.array(repetitions) == 0) == pytest.approx(1 / 2, abs=3 * 0.5 / 80**0.5)


def test_equal_reference_items_leave_copies_alone_to_count() -> None:
    sample = np.array([[0], [0], [0.1], [4]], np.float32)
    score = score_of(sample, np.zeros((4, 1), np.float32))
    assert score.details["repetitions"] == 1
    assert score.cautions == {"equal images in the reference": "only copies are the same"}


@pytest.mark.parametrize("seed", range(4))
def test_the_variance_is_that_of_pairs_with_and_without_common_items(seed: int) -> None:
    """Against the mean over all quadruples of different items, one by one."""
    rng, num = np.random.default_rng(seed), 9
    items = rng.integers(0, 3, num)
    same = items[:, None] == items
    disjoint = [same[i, j] and same[k, m] for i, j, k, m in itertools.permutations(range(num), 4)]
    pairs = num * (num - 1) / 2
    share = (same.sum() - num) / 2 / pairs
    variance = max(share**2 - float(np.mean(disjoint)), share * (1 - share) / pairs)
    found = independent_pairs(same.sum(axis=1) - 1)
    assert found == pytest.approx(share * (1 - share) / variance)


def test_a_likely_picture_widens_the_interval() -> None:
    """Half of the samples are one picture: the variance is 15 times that of independent pairs."""
    law = np.concatenate([[0.5], np.full(500, 0.001)])
    truth, rng, num = 1 / np.square(law).sum(), np.random.default_rng(3), 200
    scores = [score_of(drawn(law, num, rng), reach=0.0) for _ in range(200)]
    outside = [not low <= truth <= high for low, high in (one.interval or (0, 0) for one in scores)]
    assert sum(outside) <= 20
    logs = np.log([one.value for one in scores])
    widths = [np.log(high / low) / 3.92 for low, high in (one.interval or (1, 1) for one in scores)]
    assert np.median(widths) == pytest.approx(logs.std(), rel=0.25)


def test_equal_items_tell_as_much_as_so_many_draws_of_one_picture() -> None:
    """One of a share q came n times in a row, q^n = 2.5 % at least, and repeats with q^2."""
    score = score_of(np.zeros((50, 2), np.float32), reach=0.0)
    assert score.value == 1
    assert score.interval == pytest.approx((1, 0.025 ** (-2 / 50)))


def test_the_exact_interval_is_that_of_scipy() -> None:
    for hits, num in ((0, 10), (3, 40), (40, 40)):
        found = scipy.stats.binomtest(hits, num).proportion_ci(method="exact")
        assert clopper_pearson(hits / num, num) == pytest.approx((found.low, found.high))


def test_the_nearest_pairs_are_shown_once_each() -> None:
    sample = np.array([[0], [1], [10], [10.5], [50]], np.float32)
    result = result_of(sample)
    shown = result.evidence["repetitions"]
    assert shown.roles == ("sample", "sample")
    assert [sorted(pair) for pair in shown.rows.tolist()] == [[2, 3], [0, 1], [3, 4]]
    assert shown.values.tolist() == [0.5, 1, 39.5]
    assert result.per_item["nearest other item"].tolist() == [1, 1, 0.5, 0.5, 39.5]


def test_memory_and_threads_change_nothing() -> None:
    rng = np.random.default_rng(5)
    sample, reference = (rng.integers(0, 8, (1400, 4)).astype(np.float32) for _ in range(2))
    one = score_of(sample, reference, reach=1.0)
    assert one == score_of(
        sample, reference, reach=1.0, resources=Resources(memory=200_000_000, threads=3)
    )
    assert one.details["repetitions"] > 1000


def test_a_reach_below_zero_is_refused() -> None:
    for reach in (-1.0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match=f"birthday has reach={reach}; needed: 0 or more"):
            Birthday(reach=reach)


def test_a_collapsed_sample_is_told_from_a_real_one() -> None:
    rng = np.random.default_rng(6)
    real = rng.integers(0, 256, (120, 8, 8, 3), dtype=np.uint8)
    report = ganeval.compare(
        samples=[
            ganeval.Images(rng.permutation(pictures), name=name)
            for name, pictures in (
                ("real", rng.integers(0, 256, (120, 8, 8, 3), dtype=np.uint8)),
                ("ten", np.repeat(real[:10], 12, axis=0)),
            )
        ],
        reference=real,
        metrics=["birthday"],
        extractor="random",
        device="cpu",
        cache=False,
    )
    ten, other = report["ten", "birthday"], report["real", "birthday"]
    assert ten.value == pytest.approx(7140 / 660)  # ten times twelve, drawn without replacement
    assert ten.interval is not None
    assert not any("copies" in fact for fact in ten.cautions)  # they are what was looked for
    assert other.value > 500
