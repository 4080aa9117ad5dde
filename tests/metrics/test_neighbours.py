import numpy as np
import prdc
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from torch_fidelity.metric_prc import prc_features_to_metric

from ganeval.errors import UsageError
from ganeval.machine.resources import DEFAULT, Resources
from ganeval.metrics.neighbours import DensityCoverage, PrecisionRecall
from ganeval.metrics.parts import nearest as neighbour_module
from ganeval.metrics.parts.distances import error_unit, on_common_centre, on_own_centre, tile
from ganeval.metrics.parts.intervals import wilson
from ganeval.metrics.parts.nearest import nearest
from ganeval.metrics.parts.pairs import memberships, near_pairs, pairs_within

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


def ours(score, sample, reference, k, *, closed, resources=DEFAULT):
    inclusion = "closed" if closed else "strict"
    results = {
        **score(PrecisionRecall(k, inclusion), sample, reference, resources=resources),
        **score(DensityCoverage(k, inclusion), sample, reference, resources=resources),
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
@pytest.mark.parametrize("memory", [20_000, 200_000_000])
def test_equals_brute_force_on_ties_and_duplicates(score, closed, offset, k, memory):
    # Whole numbers from a small set: hundreds of distances are exactly equal.
    rng = np.random.default_rng(k)
    reference = rng.integers(0, 4, (60, 5)).astype(np.float32) + offset
    sample = rng.integers(0, 4, (45, 5)).astype(np.float32) + offset
    sample[:20] = reference[:20]
    sample[30:40] = sample[30]
    expected = brute_force(sample, reference, k, closed=closed)
    resources = Resources(memory=memory)
    assert ours(score, sample, reference, k, closed=closed, resources=resources) == expected
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
    radii = nearest(second, 3).squared[:, -1]
    assert np.array_equal(radii, np.sort(own, axis=1)[:, 2])
    for closed, compare in ((True, np.less_equal), (False, np.less)):
        inside = compare(between, radii[:, None])
        in_balls, held = memberships(
            second, radii, first, pairs=pairs_within(second, first, radii), closed=closed
        )
        assert np.array_equal(in_balls, inside.sum(axis=0))
        assert np.array_equal(held, inside.sum(axis=1))


def lattice(num, width, seed, levels=3):
    """Rows of small whole numbers: most distances are equal to many others, and exact."""
    return np.random.default_rng(seed).integers(0, levels, (num, width)).astype(np.float32)


@pytest.mark.parametrize("num_copies", [1, 30])
def test_neighbours_are_exact_in_several_blocks_of_ties(num_copies):
    # More neighbours are equally near than the quick pass keeps, so some rows are searched again.
    rows = lattice(1500, 12, 1)
    rows[200 : 200 + num_copies] = rows[7]
    found = nearest(on_own_centre(rows), 17, Resources(threads=2))
    own = cdist(rows.astype(float), rows.astype(float), "sqeuclidean")
    np.testing.assert_array_equal(np.take_along_axis(own, found.indices, axis=1), found.squared)
    assert not (found.indices == np.arange(1500)[:, None]).any()
    assert all(len(set(line)) == 17 for line in found.indices.tolist())
    np.fill_diagonal(own, np.inf)
    np.testing.assert_array_equal(found.squared, np.sort(own, axis=1)[:, :17])


@pytest.mark.parametrize("kind", ["features", "ties", "one place"])
def test_memory_and_threads_change_nothing(score, features, kind):
    width = 256 if kind == "one place" else 16
    sample, reference = features(1100, width, 1, 0.2), features(1200, width, 2)
    if kind == "ties":
        sample, reference = lattice(1100, 6, 1), lattice(1200, 6, 2)
    elif kind == "one place":  # where all sample images lie in most balls
        sample = (reference.mean(axis=0) + 1e-3 * sample).astype(np.float32)
    for metric in (PrecisionRecall(), DensityCoverage()):
        one = score(metric, sample, reference)
        for resources in (Resources(memory=20_000), Resources(threads=3)):
            assert score(metric, sample, reference, resources=resources) == one
    if kind == "one place":
        assert one["density"].value > 0.9 * len(reference) / 5


@pytest.mark.parametrize("exponent", [-80, 80])
def test_squares_beyond_float32_change_nothing(score, features, exponent):
    sample, reference = features(70, 16, 1, 0.2), features(90, 16, 2)
    expected = ours(score, sample, reference, 3, closed=True)
    factor = np.float32(2.0**exponent)
    assert ours(score, sample * factor, reference * factor, 3, closed=True) == expected


@pytest.mark.parametrize("offset", [0, 1000])
def test_error_bound_holds(features, offset):
    sample, reference = features(50, 256, 1) * 30 + offset, features(60, 256, 2) * 30 + offset
    points, centres = on_common_centre(sample, reference)
    exact = ((reference.astype(np.longdouble)[:, None] - sample.astype(np.longdouble)) ** 2).sum(2)
    norms = centres.norms[:, None] + points.norms
    error = np.abs(tile(centres, points, 0, 0) / centres.scale**2 - exact)
    assert np.all(error <= error_unit(256) * norms**2)
    assert error_unit(256) < 1e-5


def test_one_far_image_leaves_nothing_open(features, monkeypatch):
    rows = features(400, 64, 1)
    rows[5] *= 1e4
    searched = []
    monkeypatch.setattr(
        neighbour_module, "_search", lambda points, rows, *rest: searched.extend(rows.tolist())
    )
    nearest(on_own_centre(rows), 17)
    assert searched == [5]


def test_near_pairs_are_all_there(features):
    sample, reference = features(1100, 16, 1, 0.2), features(1200, 16, 2)
    points, centres = on_common_centre(sample, reference)
    exact = cdist(reference.astype(float), sample.astype(float), "sqeuclidean")
    # Reaches that end at a point, so that rounding alone would decide.
    reaches, back = np.sort(exact, axis=1)[:, 12], np.sort(exact, axis=0)[20]
    forth, others = zip(*near_pairs(centres, points, reaches, back), strict=True)
    for parts, matrix, radii in ((forth, exact, reaches), (others, exact.T, back)):
        inside = np.zeros(matrix.shape, dtype=bool)
        for part in parts:
            inside[part.centres, part.points] = True
            np.testing.assert_allclose(
                part.squared, matrix[part.centres, part.points], rtol=1e-4, atol=1e-4
            )
        wanted = matrix <= radii[:, None]
        assert inside[wanted].all()
        assert inside.sum() < 1.01 * wanted.sum()


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
    assert [need.minimum for need in metric(k=4).needs] == [5, 5]
    with pytest.raises(UsageError):
        metric(k=0)


def test_identical_rows_share_a_group_and_rearranged_ones_do_not():
    one = np.array([[1, 2, 3], [3, 2, 1], [1, 2, 3]], np.float32)
    other = np.array([[0, 0, 0], [3, 2, 1], [2, 1, 3]], np.float32)
    sample, reference = on_common_centre(one, other)
    numbers = [*sample.groups, *reference.groups]
    rows = [row.tobytes() for row in (*one, *other)]
    for at in range(6):
        for to in range(6):
            assert (numbers[at] == numbers[to]) == (rows[at] == rows[to])


def test_wilson_equals_scipy():
    for hits, num in ((0, 20), (7, 20), (20, 20), (613, 1000)):
        expected = scipy.stats.binomtest(hits, num).proportion_ci(0.95, method="wilson")
        assert wilson(hits / num, num) == pytest.approx(tuple(expected), abs=2e-5)
    assert wilson(0.0, 20)[0] == 0.0
    assert wilson(1.0, 20)[1] == 1.0
