import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeval.features.moments import Moments, merge_all


def exact_moments(rows):
    """Mean and scatter in extended precision."""
    rows = rows.astype(np.longdouble)
    centred = rows - rows.mean(axis=0)
    return rows.mean(axis=0), centred.T @ centred


def pieces(rows, cuts):
    return [Moments.of(part) for part in np.split(rows, sorted(cuts)) if len(part)]


def relative_error(scatter, exact):
    return float(np.abs(scatter - exact).max() / np.abs(exact).max())


@pytest.mark.parametrize("offset", [0, 100])
def test_merged_parts_equal_extended_precision(offset):
    rows = np.random.default_rng(0).standard_normal((500, 8)).astype(np.float32) + offset
    mean, scatter = exact_moments(rows)
    for moments in (Moments.of(rows), merge_all(pieces(rows, [64, 128, 300, 301]))):
        assert moments.num == 500
        np.testing.assert_allclose(moments.mean, mean.astype(float), rtol=1e-14, atol=1e-15)
        assert relative_error(moments.scatter, scatter) < 1e-14


def test_rounding_of_a_large_mean_does_not_reach_the_scatter():
    rows = np.random.default_rng(4).standard_normal((500, 8)) + 2.0**40
    _, scatter = exact_moments(rows)
    assert relative_error(Moments.of(rows).scatter, scatter) < 1e-13


def test_covariance_equals_numpy():
    rows = np.random.default_rng(1).standard_normal((40, 5)).astype(np.float32)
    merged = merge_all(pieces(rows, [7, 30]))
    for ddof in (0, 1):
        expected = np.cov(rows.astype(float), rowvar=False, ddof=ddof)
        np.testing.assert_allclose(merged.covariance(ddof=ddof), expected, rtol=1e-13)


def test_one_row_has_no_scatter():
    row = np.array([[1.0, 2.0]], dtype=np.float32)
    assert not Moments.of(row).scatter.any()
    pair = Moments.of(row).merge(Moments.of(row + 2))
    np.testing.assert_array_equal(pair.mean, [2, 3])
    np.testing.assert_array_equal(pair.scatter, np.full((2, 2), 2.0))


def test_input_is_left_alone():
    rows = np.random.default_rng(2).standard_normal((6, 3))
    before = rows.copy()
    Moments.of(rows).merge(Moments.of(rows))
    np.testing.assert_array_equal(rows, before)


@given(
    seed=st.integers(0, 2**32 - 1),
    num=st.integers(3, 60),
    offset=st.sampled_from([0.0, 100.0]),
    data=st.data(),
)
def test_order_and_grouping_do_not_matter_beyond_rounding(seed, num, offset, data):
    rows = np.random.default_rng(seed).standard_normal((num, 3)) + offset
    cuts = data.draw(st.lists(st.integers(1, num - 1), unique=True, min_size=2, max_size=6))
    parts = pieces(rows, cuts)
    shuffled = data.draw(st.permutations(parts))
    first, *rest = parts
    right_to_left = first.merge(merge_all(rest))
    exact_mean, exact = exact_moments(rows)
    for moments in (merge_all(parts), merge_all(shuffled), right_to_left):
        assert moments.num == num
        np.testing.assert_allclose(moments.mean, exact_mean.astype(float), rtol=1e-12, atol=1e-14)
        assert relative_error(moments.scatter, exact) < 1e-12


def test_the_same_parts_give_the_same_bits():
    rows = np.random.default_rng(3).standard_normal((50, 4))
    first, second = (merge_all(pieces(rows, [10, 20])) for _ in range(2))
    np.testing.assert_array_equal(first.mean, second.mean)
    np.testing.assert_array_equal(first.scatter, second.scatter)
