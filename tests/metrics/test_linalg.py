import mpmath
import numpy as np
import pytest

from ganeval.features.moments import Moments
from ganeval.metrics.parts import linalg
from ganeval.metrics.parts.linalg import factor, frechet_distance


def gaussian(mean, covariance, num=1000):
    return Moments(num, np.asarray(mean, float), np.asarray(covariance, float) * (num - 1))


def covariance_of(rng, width, num):
    rows = rng.standard_normal((num, width)) * np.geomspace(1, 0.05, width)
    return np.cov(rows, rowvar=False)


def in_fifty_digits(sample, reference):
    """The distance between the Gaussians fitted to two small sets of rows."""
    with mpmath.workdps(60):
        means, covariances = [], []
        for rows in (sample, reference):
            matrix = mpmath.matrix(rows.astype(float).tolist())
            num, width = matrix.rows, matrix.cols
            mean = [mpmath.fsum(matrix[i, j] for i in range(num)) / num for j in range(width)]
            for i in range(num):
                for j in range(width):
                    matrix[i, j] -= mean[j]
            means.append(mean)
            covariances.append(matrix.T * matrix / (num - 1))
        eigenvalues = mpmath.eig(covariances[0] * covariances[1], left=False, right=False)
        roots = mpmath.fsum(mpmath.sqrt(abs(mpmath.re(value))) for value in eigenvalues)
        shift = mpmath.fsum((a - b) ** 2 for a, b in zip(*means, strict=True))
        traces = sum(sum(c[i, i] for i in range(c.rows)) for c in covariances)
        return float(shift + traces - 2 * roots)


def test_equal_covariances_leave_the_squared_distance_of_the_means():
    covariance = covariance_of(np.random.default_rng(0), 64, 300)
    sample, reference = gaussian(np.ones(64), covariance), gaussian(np.zeros(64), covariance)
    assert frechet_distance(sample, reference) == pytest.approx(64, rel=1e-13)


def test_commuting_covariances_have_a_closed_form():
    rng = np.random.default_rng(1)
    axes = np.linalg.qr(rng.standard_normal((40, 40)))[0]
    a, b = rng.uniform(0.1, 2, 40), rng.uniform(0.1, 2, 40)
    sample = gaussian(np.zeros(40), (axes * a) @ axes.T)
    reference = gaussian(np.zeros(40), (axes * b) @ axes.T)
    expected = ((np.sqrt(a) - np.sqrt(b)) ** 2).sum()
    assert frechet_distance(sample, reference) == pytest.approx(expected, rel=1e-12)


def test_the_two_dimensional_case_has_a_closed_form():
    # tr (M)^(1/2) = sqrt(tr M + 2 sqrt(det M)) for a 2 x 2 matrix with eigenvalues >= 0.
    a, b = np.array([[2.0, 0.3], [0.3, 1.0]]), np.array([[1.0, -0.4], [-0.4, 3.0]])
    product = a @ b
    root = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
    expected = 0.5**2 + np.trace(a) + np.trace(b) - 2 * root
    distance = frechet_distance(gaussian([0.5, 0], a), gaussian([0, 0], b))
    assert distance == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(("num_sample", "num_reference"), [(4, 5), (4, 30), (30, 5), (30, 30)])
@pytest.mark.parametrize("keep_rows", [True, False])
def test_agrees_with_fifty_digits(num_sample, num_reference, keep_rows):
    rng = np.random.default_rng(num_sample)
    sample = rng.standard_normal((num_sample, 7)).astype(np.float32)
    reference = (rng.standard_normal((num_reference, 7)) * 1.3 + 0.2).astype(np.float32)
    rows = [side if keep_rows and len(side) <= 7 else None for side in (sample, reference)]
    distance = frechet_distance(Moments.of(sample), Moments.of(reference), *rows)
    assert distance == pytest.approx(in_fifty_digits(sample, reference), rel=1e-12)


def test_agrees_with_fifty_digits_for_duplicates_and_dead_dimensions():
    rng = np.random.default_rng(5)
    sample = rng.standard_normal((20, 6)).astype(np.float32)
    sample[:, 2] = 3.5
    reference = np.repeat(rng.standard_normal((3, 6)), 5, axis=0).astype(np.float32)
    distance = frechet_distance(Moments.of(sample), Moments.of(reference))
    assert distance == pytest.approx(in_fifty_digits(sample, reference), rel=1e-12)


def test_nearly_singular_covariances_take_the_exact_route():
    # The eigenvalue route alone is off by 1e-7 here: every null direction adds sqrt(epsilon).
    rng = np.random.default_rng(2)
    rows = rng.standard_normal((500, 10)) @ rng.standard_normal((10, 100))
    rows = (rows + 1e-12 * rng.standard_normal(rows.shape)).astype(np.float64)
    sample, reference = Moments.of(rows), Moments.of(rows[::-1] + 1.0)
    assert linalg._full_rank_norm(sample, reference) is None
    assert frechet_distance(sample, reference) == pytest.approx(100, abs=1e-10)


def test_ill_conditioned_covariances_take_the_exact_route():
    a = np.geomspace(1, 1e-11, 20)
    sample, reference = gaussian(np.zeros(20), np.diag(a)), gaussian(np.zeros(20), np.diag(a * 4))
    assert linalg._full_rank_norm(sample, reference) is None
    assert frechet_distance(sample, reference) == pytest.approx(a.sum(), rel=1e-13)


def test_full_rank_takes_the_fast_route_and_agrees_with_the_exact_one():
    rng = np.random.default_rng(3)
    sample = gaussian(np.zeros(100), covariance_of(rng, 100, 400))
    reference = gaussian(np.zeros(100), covariance_of(rng, 100, 400))
    fast = linalg._full_rank_norm(sample, reference)
    assert fast is not None
    product = factor(sample).T @ factor(reference)
    exact = np.linalg.svd(product, compute_uv=False).sum()
    assert abs(fast[0] - exact) <= fast[1]
    assert fast[0] == pytest.approx(exact, rel=1e-13)


@pytest.mark.parametrize("num", [20, 200])
def test_a_factor_times_its_transpose_is_the_covariance(num):
    rows = np.random.default_rng(num).standard_normal((num, 50))
    moments = Moments.of(rows)
    for one in (factor(moments), factor(moments, rows)):
        np.testing.assert_allclose(one @ one.T, np.cov(rows, rowvar=False), atol=1e-13)
    assert factor(moments).shape == (50, min(num - 1, 50))


def test_the_same_moments_are_at_exactly_zero():
    rows = np.random.default_rng(4).standard_normal((30, 20))
    assert frechet_distance(Moments.of(rows), Moments.of(rows.copy())) == 0.0
    assert frechet_distance(Moments.of(rows[:5]), Moments.of(rows[:5]), rows[:5], rows[:5]) == 0.0


@pytest.mark.parametrize("num", [10, 300])
def test_the_same_rows_in_another_order_are_at_zero_within_rounding(num):
    rows = np.random.default_rng(6).standard_normal((num, 40))
    few = [rows, rows[::-1]] if num <= 40 else []
    assert frechet_distance(Moments.of(rows), Moments.of(rows[::-1]), *few) <= 1e-11


def test_constant_rows_are_points():
    point, other = np.full((5, 3), 2.0), np.zeros((9, 3))
    assert frechet_distance(Moments.of(point), Moments.of(other)) == 12.0
    assert frechet_distance(Moments.of(point), Moments.of(other), None, other) == 12.0
    spread = np.random.default_rng(7).standard_normal((50, 3))
    expected = (2 - spread.mean(axis=0)) @ (2 - spread.mean(axis=0)) + spread.var(0, ddof=1).sum()
    assert frechet_distance(Moments.of(point), Moments.of(spread)) == pytest.approx(expected)


def test_is_symmetric_and_does_not_change_under_rotation():
    rng = np.random.default_rng(8)
    sample, reference = rng.standard_normal((80, 30)), rng.standard_normal((90, 30)) * 1.2
    distance = frechet_distance(Moments.of(sample), Moments.of(reference))
    swapped = frechet_distance(Moments.of(reference), Moments.of(sample))
    axes = np.linalg.qr(rng.standard_normal((30, 30)))[0]
    turned = frechet_distance(Moments.of(sample @ axes), Moments.of(reference @ axes))
    assert swapped == pytest.approx(distance, rel=1e-12)
    assert turned == pytest.approx(distance, rel=1e-12)


def test_negative_results_are_zero_only_within_the_bound(monkeypatch):
    one, other = gaussian(np.zeros(2), np.eye(2)), gaussian(np.zeros(2), 2 * np.eye(2))
    exact = linalg.nuclear_norm(one, other)[0]
    traces = 6.0
    assert exact < traces / 2
    monkeypatch.setattr(linalg, "nuclear_norm", lambda *_: (traces / 2 + 1e-13, 1e-12))
    assert frechet_distance(one, other) == 0.0
    monkeypatch.setattr(linalg, "nuclear_norm", lambda *_: (traces / 2 + 1e-11, 1e-12))
    with pytest.raises(AssertionError, match="error bound"):
        frechet_distance(one, other)


def test_a_dependent_dimension_is_no_direction_of_its_own() -> None:
    # Rounding lets Cholesky through here, with a last pivot of about 1e-8 that is not there.
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(400, 12))
    rows[:, 11] = rows[:, :11] @ rng.normal(size=11)
    moments = Moments.of(rows)
    assert factor(moments).shape == (12, 11)
    assert factor(Moments.of(rows[:, :11])).shape == (11, 11)
    moved = Moments(moments.num, moments.mean + 1, moments.scatter * 4)
    expected = 12 + np.trace(moments.covariance())  # (2 - 1)^2 tr S
    assert frechet_distance(moved, moments) == pytest.approx(expected, rel=1e-9)
