import numpy as np
import prdc
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_fidelity.metric_prc import prc_features_to_metric

from ganeval.errors import UsageError
from ganeval.metrics import distances, neighbours
from ganeval.metrics.distances import memberships, on_common_centre, squared_radii
from ganeval.metrics.jackknife import NUM_GROUPS, groups_of, without_groups
from ganeval.metrics.neighbours import DensityCoverage, PrecisionRecall, wilson

SIZES = [(100, 80), (80, 100), (37, 250)]


def brute_force(sample, reference, k, *, closed):
    """All four scores from every (x - y)^2 in float64."""
    compare = np.less_equal if closed else np.less

    def squared(first, second):
        return ((first.astype(float)[:, None] - second.astype(float)) ** 2).sum(axis=2)

    def radii(rows):
        own = squared(rows, rows)
        np.fill_diagonal(own, np.inf)
        return np.sort(own, axis=1)[:, k - 1]

    between = squared(reference, sample)
    in_reference = compare(between, radii(reference)[:, None])
    in_sample = compare(between, radii(sample))
    return {
        "precision": in_reference.any(axis=0).mean(),
        "recall": in_sample.any(axis=1).mean(),
        "density": in_reference.sum() / (k * len(sample)),
        "coverage": in_reference.any(axis=1).mean(),
    }


def ours(score, sample, reference, k, *, closed):
    inclusion = "closed" if closed else "strict"
    results = {
        **score(PrecisionRecall(k, inclusion), sample, reference),
        **score(DensityCoverage(k, inclusion), sample, reference),
    }
    return {name: one.value for name, one in results.items()}


@pytest.mark.parametrize(("num_sample", "num_reference"), SIZES)
@pytest.mark.parametrize("seed", [0, 1])
def test_equals_prdc(score, features, num_sample, num_reference, seed):
    sample = features(num_sample, 16, seed, 0.2)
    reference = features(num_reference, 16, seed + 10)
    expected = prdc.compute_prdc(reference.astype(float), sample.astype(float), nearest_k=5)
    assert ours(score, sample, reference, 5, closed=False) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(("num_sample", "num_reference"), SIZES)
@pytest.mark.parametrize("seed", [0, 1])
def test_equals_torch_fidelity(score, features, num_sample, num_reference, seed):
    sample = features(num_sample, 16, seed, 0.2)
    reference = features(num_reference, 16, seed + 10)
    sides = [torch.from_numpy(side).double() for side in (sample, reference)]
    expected = prc_features_to_metric(*sides, verbose=False)
    result = score(PrecisionRecall(), sample, reference)
    # Its fractions are float32.
    assert result["precision"].value == pytest.approx(expected["precision"], rel=1e-7)
    assert result["recall"].value == pytest.approx(expected["recall"], rel=1e-7)


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("offset", [0, 1000])
@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("budget", [20_000, 200_000_000])
def test_equals_brute_force_on_ties_and_duplicates(score, monkeypatch, closed, offset, k, budget):
    monkeypatch.setattr(distances, "MEMORY_BUDGET", budget)
    # Whole numbers from a small set: hundreds of distances are exactly equal.
    rng = np.random.default_rng(k)
    reference = rng.integers(0, 4, (60, 5)).astype(np.float32) + offset
    sample = rng.integers(0, 4, (45, 5)).astype(np.float32) + offset
    sample[:20] = reference[:20]
    sample[30:40] = sample[30]
    expected = brute_force(sample, reference, k, closed=closed)
    assert ours(score, sample, reference, k, closed=closed) == expected
    assert expected != brute_force(sample, reference, k, closed=not closed)


@pytest.mark.parametrize("closed", [True, False])
def test_copies_are_at_distance_zero(score, features, closed):
    # Each point many times, so that balls have no radius; |x|^2 + |x|^2 - 2 x.x is not quite 0.
    distinct = features(12, 64, 6)
    reference, sample = np.repeat(distinct, 5, axis=0), np.repeat(distinct[:4], 4, axis=0)
    expected = brute_force(sample, reference, 3, closed=closed)
    assert ours(score, sample, reference, 3, closed=closed) == expected
    assert expected["precision"] == closed


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.tuples(st.integers(4, 20), st.integers(4, 20)),
    width=st.integers(1, 9),
    levels=st.integers(1, 4),
    noise=st.sampled_from([0.0, 1e-7, 1e-3]),
)
def test_counts_equal_the_direct_computation(seed, sizes, width, levels, noise):
    rng = np.random.default_rng(seed)
    sample, reference = (
        (rng.integers(0, levels, (num, width)) + noise * rng.standard_normal((num, width))).astype(
            np.float32
        )
        for num in sizes
    )
    first, second = on_common_centre(sample, reference)
    between = ((reference.astype(float)[:, None] - sample.astype(float)) ** 2).sum(axis=2)
    own = ((reference.astype(float)[:, None] - reference.astype(float)) ** 2).sum(axis=2)
    np.fill_diagonal(own, np.inf)
    radii = squared_radii(second, 3)
    assert np.array_equal(radii, np.sort(own, axis=1)[:, 2])
    for closed, compare in ((True, np.less_equal), (False, np.less)):
        inside = compare(between, radii[:, None])
        in_balls, held = memberships(second, radii, first, closed=closed)
        assert np.array_equal(in_balls, inside.sum(axis=0))
        assert np.array_equal(held, inside.sum(axis=1))


def test_small_memory_changes_nothing(score, features, monkeypatch):
    sample, reference = features(70, 16, 1, 0.2), features(90, 16, 2)
    whole = ours(score, sample, reference, 3, closed=True)
    monkeypatch.setattr(distances, "MEMORY_BUDGET", 20_000)
    monkeypatch.setattr(distances, "BLOCK", 13)
    assert ours(score, sample, reference, 3, closed=True) == whole


def test_strips_keep_to_the_budget(features, monkeypatch):
    monkeypatch.setattr(distances, "MEMORY_BUDGET", 32 * 90 * 7)
    sample, reference = on_common_centre(features(70, 16, 1), features(90, 16, 2))
    heights = [len(strip) for strip, _, _ in distances.strips(sample, reference, np.arange(70))]
    assert heights == [7] * 10


def test_error_bound_holds(features):
    sample, reference = features(50, 256, 1) * 30, features(60, 256, 2) * 30
    exact = ((sample.astype(np.longdouble)[:, None] - reference.astype(np.longdouble)) ** 2).sum(2)
    for strip, squared, error in distances.strips(
        *on_common_centre(sample, reference), np.arange(50)
    ):
        assert np.all(np.abs(squared - exact[strip]) <= error)
        assert np.all(error < 1e-9 * exact[strip])


def test_identical_sets_and_constant_images(score, features):
    rows = features(30, 16, 3)
    same = ours(score, rows, rows.copy(), 3, closed=True)
    assert (same["precision"], same["recall"], same["coverage"]) == (1, 1, 1)
    constant = np.repeat(rows[:1], 12, axis=0)
    assert set(ours(score, constant, constant, 3, closed=False).values()) == {0.0}
    closed = ours(score, constant, constant, 3, closed=True)
    assert closed == {"precision": 1, "recall": 1, "density": 4, "coverage": 1}


def test_density_and_coverage_have_their_means_for_equal_distributions(score):
    rng = np.random.default_rng(11)
    k, num_sample, num_reference = 3, 30, 40
    results = [
        score(
            DensityCoverage(k),
            rng.standard_normal((num_sample, 4)).astype(np.float32),
            rng.standard_normal((num_reference, 4)).astype(np.float32),
        )
        for _ in range(300)
    ]
    density = np.array([one["density"].value for one in results])
    coverage = np.array([one["coverage"].value for one in results])
    below = np.arange(1, k + 1)
    missed = np.prod((num_reference - below) / (num_reference + num_sample - below))
    assert density.mean() == pytest.approx(1, abs=4 * density.std() / 300**0.5)
    assert coverage.mean() == pytest.approx(1 - missed, abs=4 * coverage.std() / 300**0.5)


def test_unequal_numbers_get_a_note(score, features):
    unequal = score(PrecisionRecall(), features(20, 16, 4), features(30, 16, 5))
    assert unequal["recall"].notes[0].startswith("20 sample and 30 reference images")
    equal = score(PrecisionRecall(), features(30, 16, 4), features(30, 16, 5))
    assert len(equal["recall"].notes) == 1


@pytest.mark.parametrize("metric", [PrecisionRecall, DensityCoverage])
def test_k_is_checked_and_sets_the_minimum(metric):
    assert metric(k=4).needs.minimum == 5
    with pytest.raises(UsageError):
        metric(k=0)


@pytest.mark.parametrize("num_copied", [0, 10])
def test_the_jackknife_equals_leaving_groups_out(features, num_copied):
    sample, reference = features(110, 6, 1, 0.2), features(95, 6, 2)
    # Balls of radius 0, which hold their own kind.
    reference[: 6 * num_copied] = np.repeat(sample[:num_copied], 6, axis=0)
    rng = np.random.default_rng(3)
    of_sample, of_reference = groups_of(110, rng), groups_of(95, rng)
    assert set(np.bincount(of_sample)) == {5, 6}
    sides = on_common_centre(sample, reference)
    counts = without_groups(*reversed(sides), of_reference, of_sample, 3)
    for group in range(NUM_GROUPS):
        left = on_common_centre(sample[of_sample != group], reference[of_reference != group])
        balls, held = memberships(left[1], squared_radii(left[1], 3), left[0], closed=True)
        np.testing.assert_array_equal(counts.balls[group][of_sample != group], balls)
        np.testing.assert_array_equal(counts.held[group][of_reference != group], held)


def test_the_jackknife_is_no_smaller_than_the_spread(score):
    rng = np.random.default_rng(4)
    results = []
    for _ in range(60):
        sample = (rng.standard_normal((200, 8)) + 0.3).astype(np.float32)
        reference = rng.standard_normal((200, 8)).astype(np.float32)
        results.append(
            {
                **score(PrecisionRecall(), sample, reference),
                **score(DensityCoverage(), sample, reference),
            }
        )
    for name in results[0]:
        spread = np.std([one[name].value for one in results])
        # 60 draws: the spread has an error of 9 %.
        assert 0.9 < np.mean([one[name].se for one in results]) / spread < 2.2


def test_wilson_equals_scipy():
    for hits, num in ((0, 20), (7, 20), (20, 20), (613, 1000)):
        expected = scipy.stats.binomtest(hits, num).proportion_ci(0.95, method="wilson")
        assert wilson(hits / num, num) == pytest.approx(tuple(expected), abs=2e-5)
    assert wilson(0.0, 20)[0] == 0.0
    assert wilson(1.0, 20)[1] == 1.0


def test_where_the_jackknife_does_not_go(score, features, monkeypatch):
    few = score(PrecisionRecall(), features(39, 8, 1), features(60, 8, 2))["recall"]
    assert few.se is None
    assert "needs 40 images a side" in few.notes[-1]
    monkeypatch.setattr(neighbours, "MOST_FOR_ERROR", 50)
    many = score(DensityCoverage(), features(45, 8, 1), features(60, 8, 2))["density"]
    assert many.se is None
    assert "up to 50 images a side" in many.notes[-1]
