import numpy as np
import pytest
import scipy.stats
import torch
from cleanfid.fid import kernel_distance
from torch_fidelity.metric_kid import kid_features_to_metric
from torchmetrics.image.kid import KernelInceptionDistance, poly_mmd

from ganeval.errors import UsageError
from ganeval.machine.resources import Resources
from ganeval.metrics.kernel import Kid
from ganeval.metrics.parts import discrepancy
from ganeval.metrics.parts.intervals import of_distance
from ganeval.scores.influence import Influence


class Flat(torch.nn.Module):
    """An extractor whose features are its input."""

    num_features = 32

    def forward(self, rows):
        return rows


def by_definition(sample, reference):
    """The sums over pairs, in extended precision."""
    x, y = sample.astype(np.longdouble), reference.astype(np.longdouble)
    within = []
    for rows in (x, y):
        pairs = ((rows @ rows.T) / rows.shape[1] + 1) ** 3
        pairs[np.diag_indices(len(rows))] = 0
        within.append(pairs.sum() / (len(rows) * (len(rows) - 1)))
    return float(sum(within) - 2 * ((x @ y.T / x.shape[1] + 1) ** 3).mean())


@pytest.mark.parametrize(("num_sample", "num_reference"), [(2, 2), (2, 9), (40, 23), (64, 64)])
@pytest.mark.parametrize("block", [8, 2048])
def test_all_pairs_equal_the_definition(
    score, features, monkeypatch, num_sample, num_reference, block
):
    monkeypatch.setattr(discrepancy, "BLOCK", block)
    sample, reference = features(num_sample, 32, 1, 0.05), features(num_reference, 32, 2)
    value = score(Kid(), sample, reference)["kid"].value
    assert value == pytest.approx(by_definition(sample, reference), abs=1e-13)


def test_blocks_do_not_change_the_standard_error(score, features, monkeypatch):
    sample, reference = features(213, 32, 1), features(200, 32, 2)
    whole = score(Kid(), sample, reference)["kid"]
    monkeypatch.setattr(discrepancy, "BLOCK", 64)
    blocks = score(Kid(), sample, reference)["kid"]
    assert blocks.se == pytest.approx(whole.se, rel=1e-9)


def test_a_side_may_be_compared_with_itself(score, features):
    rows = features(30, 32, 1)
    value = score(Kid(), rows, rows)["kid"].value
    assert value == pytest.approx(by_definition(rows, rows), abs=1e-13)


def test_threads_change_nothing(score, features, monkeypatch):
    monkeypatch.setattr(discrepancy, "BLOCK", 8)
    sample, reference = features(83, 32, 1), features(61, 32, 2)
    expected = score(Kid(), sample, reference)["kid"]
    other = score(Kid(), sample, reference, resources=Resources(threads=3))["kid"]
    assert other == expected
    np.testing.assert_array_equal(other.influence.sample, expected.influence.sample)


def test_all_pairs_equal_torchmetrics_on_equal_numbers(score, features):
    sample, reference = features(100, 32, 3, 0.1), features(100, 32, 4)
    sides = [torch.from_numpy(side).double() for side in (reference, sample)]
    expected = poly_mmd(*sides).item()
    assert score(Kid(), sample, reference)["kid"].value == pytest.approx(expected, abs=1e-13)


def test_large_common_offset_costs_few_digits(score, features):
    sample, reference = features(60, 32, 5) + 100, features(50, 32, 6) + 100
    mean_kernel = 100.0**6
    value = score(Kid(), sample, reference)["kid"].value
    assert abs(value - by_definition(sample, reference)) < 1e-14 * mean_kernel


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.3, 1.0])
def test_the_error_is_the_spread_and_intervals_cover(score, shift):
    # From 0 to 8 standard errors away from it.
    rng, true = np.random.default_rng(8), _discrepancy_of_shifted_gaussians(width=8, shift=shift)
    scores = []
    for _ in range(300):
        sample = (rng.standard_normal((260, 8)) + shift).astype(np.float32)
        reference = rng.standard_normal((200, 8)).astype(np.float32)
        scores.append(score(Kid(), sample, reference)["kid"])
    values = np.array([one.value for one in scores])
    spread = values.std(ddof=1)
    assert values.mean() == pytest.approx(true, abs=4 * spread / np.sqrt(300))
    with_error = [one for one in scores if one.se is not None]
    assert len(with_error) > 290
    # The variance of 300 draws is known up to this; within that the error's is 0.95 to 1.1 of it,
    # or twice of it where there is nothing but the second order, which influences count twice.
    low, high = scipy.stats.chi2.ppf([0.0005, 0.9995], 299) / 299
    ratio = np.mean([one.se**2 for one in with_error]) / spread**2
    times = 2.0 if shift == 0 else 1.0
    assert 0.95 * times * low < ratio < 1.1 * times * high
    # More miss on a side with probability 1e-3 if each does with 4 %, the most that is allowed.
    most = scipy.stats.binom.isf(1e-3, 300, 0.04)
    assert sum(one.interval[0] > true for one in with_error) <= most
    assert sum(one.interval[1] < true for one in with_error) <= most
    assert all(0 <= one.interval[0] < one.interval[1] for one in with_error)
    assert shift or values.min() < 0


def _discrepancy_of_shifted_gaussians(width, shift):
    """E k(x,x') + E k(y,y') - 2 E k(x,y) for x ~ N(shift, I), y ~ N(0, I).

    With t = x.y / d: E (1 + t)^3 = 1 + 3 E t + 3 E t^2 + E t^3; given x, x.y ~ N(x.m, |x|^2).
    """

    def mean_kernel(a, b):
        # x ~ N(a 1, I), y ~ N(b 1, I): coordinates x_i y_i are independent and alike.
        first = a * b
        second = (1 + a * a) * (1 + b * b)
        third = (3 * a + a**3) * (3 * b + b**3)
        variance = second - first**2
        skew = third - 3 * first * second + 2 * first**3
        mean, square = first, variance / width + first**2
        cube = skew / width**2 + 3 * first * variance / width + first**3
        return 1 + 3 * mean + 3 * square + cube

    return mean_kernel(shift, shift) + mean_kernel(0, 0) - 2 * mean_kernel(shift, 0)


def test_influences_are_the_derivatives_by_the_weights(score, features):
    sample, reference = features(40, 8, 20, 0.3), features(30, 8, 21)
    one = score(Kid(), sample, reference)["kid"]
    x, y = sample.astype(float), reference.astype(float)
    within = (x @ x.T / 8 + 1) ** 3
    within[np.diag_indices(40)] = 0
    between = (x @ y.T / 8 + 1) ** 3
    # d/dw_i of sum w_i w_j k / (1 - 1/n) - 2 sum w_i k_i, less its mean
    slopes = 2 * (within.sum(axis=1) / 39 - between.mean(axis=1))
    np.testing.assert_allclose(one.influence.sample, slopes - slopes.mean(), rtol=1e-10)
    assert one.influence.reference.shape == (30,)


def test_fewer_than_200_images_a_side_have_no_error(score, features):
    few, many = features(199, 32, 9), features(200, 32, 10)
    for sides in ((few, many), (many, few)):
        one = score(Kid(), *sides)["kid"]
        assert one.se is one.interval is None
        assert one.notes == ("no interval: 199 images on the smaller side, 200 are needed",)
        assert one.enough == {"se": 200}
        assert one.influence is not None
    both = score(Kid(), many, features(200, 32, 11))["kid"]
    assert both.interval == of_distance(both.value, both.se, both.influence.df)
    assert both.notes == ()
    assert both.enough == {}


def test_an_error_that_rests_on_a_few_images_is_none(score, features):
    sample, reference = features(400, 8, 22, 0.3), features(300, 8, 23)
    assert score(Kid(), sample, reference)["kid"].se is not None
    sample[:20] *= 20
    one = score(Kid(), sample, reference)["kid"]
    assert one.se is one.interval is None
    weights = np.concatenate([one.influence.sample / 400, one.influence.reference / 300]) ** 2
    assert one.influence.num_that_count == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    assert one.influence.num_that_count < 21
    (fact,) = one.cautions
    assert fact.startswith("its error rests on about ")


def test_tails_so_heavy_that_the_kernel_has_no_variance_mostly_have_no_error(score):
    rng, without = np.random.default_rng(24), 0
    for _ in range(60):
        rows = rng.standard_normal((2, 300, 16)) / (rng.chisquare(4, (2, 300, 1)) / 4) ** 0.5
        without += score(Kid(), *rows.astype(np.float32))["kid"].se is None
    assert without >= 54


@pytest.mark.parametrize("scale", [1e-100, 1e100])
def test_the_number_that_counts_has_no_scale(features, scale):
    values = features(90, 1, 25)[:, 0].astype(float)
    expected = Influence(sample=values, reference=values[:40]).num_that_count
    scaled = Influence(sample=values * scale, reference=values[:40] * scale)
    assert scaled.num_that_count == pytest.approx(expected)
    assert Influence(sample=np.zeros(9)).num_that_count == 0


@pytest.mark.parametrize("values", [(0.1, 0.1), (0.1, 0.7), (123.4, 7.7)])
def test_rounding_is_no_error(score, values):
    one = score(Kid(), *(np.full((250, 6), value, np.float32) for value in values))["kid"]
    assert one.se == 0
    assert one.interval == (one.value, one.value)


def test_features_that_overflow_float32_give_nan_and_no_warning(score, features):
    sample, reference = features(60, 8, 26) * 1e10, features(60, 8, 27)
    metric = Kid(subset_size=50, num_subsets=2)
    assert np.isnan(score(metric, sample.astype(np.float32), reference)["kid"].value)
    assert np.isfinite(score(Kid(), sample.astype(np.float32), reference)["kid"].value)


@pytest.mark.parametrize(("num_sample", "num_reference"), [(150, 120), (100, 300)])
def test_subsets_equal_torch_fidelity(score, features, num_sample, num_reference):
    sample, reference = features(num_sample, 32, 12, 0.02), features(num_reference, 32, 13)
    expected = kid_features_to_metric(
        torch.from_numpy(sample),
        torch.from_numpy(reference),
        kid_subset_size=100,
        kid_subsets=20,
        verbose=False,
    )
    ours = score(Kid(subset_size=100, num_subsets=20), sample, reference)["kid"]
    mean, std = (expected[f"kernel_inception_distance_{key}"] for key in ("mean", "std"))
    # The same float32 operations in the same order: equal bits where numpy is the same.
    assert ours.value == pytest.approx(mean, rel=1e-12)
    assert ours.details["std"] == pytest.approx(std, rel=1e-12)
    assert ours.se is None
    assert "20 subsets of 100 images" in ours.notes[0]


@pytest.mark.parametrize(("num_sample", "num_reference"), [(150, 120), (40, 300), (300, 40)])
def test_subsets_equal_clean_fid_on_the_same_draws(
    score, features, monkeypatch, num_sample, num_reference
):
    sample, reference = features(num_sample, 32, 14, 0.1), features(num_reference, 32, 15)
    monkeypatch.setattr(np.random, "choice", np.random.default_rng(5).choice)
    expected = kernel_distance(reference, sample, num_subsets=100, max_subset_size=100)
    ours = score(Kid(subset_size=100, subsets="clean-fid"), sample, reference, seed=5)["kid"]
    assert ours.value == pytest.approx(expected, rel=1e-4)
    assert ours.details == {}
    doubles = [side.astype(np.float64) for side in (reference, sample)]
    monkeypatch.setattr(np.random, "choice", np.random.default_rng(5).choice)
    exact = kernel_distance(*doubles, num_subsets=100, max_subset_size=100)
    assert ours.value == pytest.approx(exact, rel=1e-4)


@pytest.mark.filterwarnings("ignore:Metric `Kernel Inception Distance` will save:UserWarning")
def test_subsets_equal_torchmetrics_on_the_same_draws(score, features, monkeypatch):
    sample, reference = features(150, 32, 16, 0.1), features(120, 32, 17)
    stream = np.random.default_rng(6)
    monkeypatch.setattr(
        torch, "randperm", lambda n: torch.from_numpy(stream.choice(n, 100, replace=False))
    )
    metric = KernelInceptionDistance(Flat(), subsets=10, subset_size=100)
    metric.update(torch.from_numpy(reference), real=True)
    metric.update(torch.from_numpy(sample), real=False)
    mean, std = metric.compute()
    ours = Kid(subset_size=100, num_subsets=10, subsets="torchmetrics")
    result = score(ours, sample, reference, seed=6)["kid"]
    assert result.value == pytest.approx(mean.item(), rel=1e-5)
    assert result.details["std"] == pytest.approx(std.item(), rel=1e-4)


def test_needs_as_many_images_as_a_subset():
    assert Kid().needs[0].minimum == 2
    assert Kid(subset_size=500).needs[0].minimum == 500
    assert Kid(subset_size=500).needs[1].why == "subset_size 500"
    assert Kid(subset_size=500, subsets="clean-fid").needs[0].minimum == 2


@pytest.mark.parametrize(
    "options", [{"subset_size": 1}, {"subset_size": 5, "num_subsets": 0}, {"num_subsets": 10}]
)
def test_senseless_options_are_refused(options):
    with pytest.raises(UsageError):
        Kid(**options)


@pytest.mark.parametrize("degree", [1, 2, 5])
def test_the_degree_is_that_of_the_kernel(score, features, degree):
    sample, reference = features(70, 8, 1), features(60, 8, 2, shift=0.2)
    x, y = sample.astype(np.float64), reference.astype(np.float64)

    def mean(one, other, *, same):
        kernel = (one @ other.T / 8 + 1) ** degree
        if same:
            return (kernel.sum() - np.trace(kernel)) / (len(one) * (len(one) - 1))
        return kernel.mean()

    expected = mean(x, x, same=True) + mean(y, y, same=True) - 2 * mean(x, y, same=False)
    assert score(Kid(degree=degree), sample, reference)["kid"].value == pytest.approx(expected)
    subset = score(Kid(degree=degree, subset_size=60, num_subsets=1), sample, reference)["kid"]
    assert subset.value != score(Kid(subset_size=60, num_subsets=1), sample, reference)["kid"].value


@pytest.mark.parametrize("degree", [0, 11])
def test_a_senseless_degree_is_refused(degree):
    with pytest.raises(UsageError, match="1 to 10"):
        Kid(degree=degree)
