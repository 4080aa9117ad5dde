"""The error and the bias of FID: derivatives, the jackknife, and the spread over draws."""

from pathlib import Path

import numpy as np
import pytest

from ganeval.errors import UsageError
from ganeval.features.moments import Moments
from ganeval.features.stats import Stats
from ganeval.metrics import frechet_limit
from ganeval.metrics.frechet import Fid
from ganeval.metrics.frechet_limit import FidDebiased, FidInfinity
from ganeval.metrics.parts.extrapolation import Extrapolation, quarters
from ganeval.metrics.parts.frechet_error import Gaussian, distance, influence_of
from ganeval.metrics.parts.linalg import frechet_distance
from ganeval.metrics.parts.transport import optimal_maps
from tests.summaries import InMemory, inputs

WIDTH = 12


def draw(num, rng, shift=0.0, width=WIDTH):
    """Skewed features of one law for each shift and width."""
    mixing = np.random.default_rng(width).standard_normal((width, width)) / width**0.5
    rows = rng.standard_normal((num, width)) @ mixing + 0.3 + shift
    return np.maximum(rows, 0.1 * rows).astype(np.float32)


def weighted(rows, weights):
    """Moments of the weighted rows; num is such that ddof 1 divides by the number of rows."""
    rows, num = rows.astype(np.float64), len(rows)
    mean = weights @ rows
    centred = rows - mean
    return Moments(num + 1, mean, num * centred.T @ (centred * weights[:, None]))


def side(rows, *, exact=False):
    return Gaussian("sample", Moments.of(rows), None if exact else rows)


@pytest.fixture(scope="module")
def population():
    """Moments and distance of laws, from draws a thousand times as large as the samples."""
    rng = np.random.default_rng(100)
    reference = Moments.of(draw(400_000, rng))
    sample = Moments.of(draw(400_000, rng, 0.5))
    return reference, frechet_distance(sample, reference)


@pytest.mark.parametrize(
    ("num_sample", "num_reference", "tolerance"), [(60, 40, 1e-5), (8, 40, 1e-4), (8, 7, 1e-4)]
)
def test_influences_are_the_derivatives_by_the_weights(num_sample, num_reference, tolerance):
    # With fewer images than dimensions too, where the covariances are singular.
    rng = np.random.default_rng(1)
    rows = {"sample": draw(num_sample, rng, 0.4), "reference": draw(num_reference, rng)}
    equal = {"sample": np.full(num_sample, 1 / num_sample)}
    equal["reference"] = np.full(num_reference, 1 / num_reference)
    base = {name: weighted(rows[name], equal[name]) for name in rows}
    influence = influence_of(*(Gaussian(name, base[name], rows[name]) for name in rows))
    step = 1e-6
    for role, other in (("sample", "reference"), ("reference", "sample")):
        for image in range(0, len(rows[role]), 3):
            values = []
            for sign in (1, -1):
                weights = equal[role] * (1 - sign * step)
                weights[image] += sign * step
                moved = {role: weighted(rows[role], weights), other: base[other]}
                values.append(frechet_distance(moved["sample"], moved["reference"]))
            slope = (values[0] - values[1]) / (2 * step)
            scale = np.abs(getattr(influence, role)).max()
            assert getattr(influence, role)[image] == pytest.approx(slope, abs=tolerance * scale)


def test_the_maps_carry_one_covariance_to_the_other():
    rng = np.random.default_rng(2)
    sample, reference = Moments.of(draw(90, rng, 0.3)), Moments.of(draw(70, rng))
    forth, back = optimal_maps(sample, reference)
    np.testing.assert_allclose(
        forth @ sample.covariance() @ forth, reference.covariance(), atol=1e-12
    )
    np.testing.assert_allclose(forth @ back, np.eye(WIDTH), atol=1e-11)


@pytest.mark.parametrize("exact", [False, True])
def test_agrees_with_the_delete_group_jackknife(exact):
    # 100 groups of 30: the jackknife's standard error itself has an error of about 7 %.
    rng = np.random.default_rng(3)
    rows = [draw(3000, rng, 0.5), draw(3000, rng)]
    other = side(rows[1], exact=exact)
    se = influence_of(side(rows[0]), other).se
    groups = rng.permutation(3000) % 100
    variance = 0.0
    for which in (0,) if exact else (0, 1):
        values = []
        for group in range(100):
            left = list(map(side, rows))
            left[which] = side(rows[which][groups != group])
            values.append(distance(*left))
        variance += 99 * np.var(values)
    assert np.sqrt(variance) == pytest.approx(se, rel=0.25)


@pytest.mark.parametrize("per_dimension", [5, 20])
@pytest.mark.parametrize("exact", [False, True])
def test_the_error_is_the_spread_over_draws(population, per_dimension, exact):
    # The standard deviation of 400 draws has an error of 1 / sqrt(800) = 3.5 %.
    rng = np.random.default_rng(4)
    num = per_dimension * WIDTH
    values, errors = [], []
    for _ in range(400):
        sample = side(draw(num, rng, 0.5))
        reference = Gaussian("reference", population[0], None) if exact else side(draw(num, rng))
        values.append(distance(sample, reference))
        errors.append(influence_of(sample, reference).se)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.15)


@pytest.mark.parametrize("keeps_rows", [True, False])
def test_intervals_cover_the_distance_of_infinitely_many(score, population, keeps_rows):
    # Of 300 intervals at 95 % fewer than 270 cover with probability 2e-4 (binomial).
    rng = np.random.default_rng(5)
    num = 10 * WIDTH
    covered, biased = 0, 0
    for seed in range(300):
        reference = draw(num, rng) if keeps_rows else population[0]
        one = fid_of(score, draw(num, rng, 0.5), reference, seed)
        low, high = one.interval
        covered += low <= population[1] <= high
        biased += one.value > population[1]
    assert covered >= 270
    assert biased > 200  # the value alone is no centre


def fid_of(score, sample, reference, seed):
    """The score of rows against rows or stored moments."""
    if not isinstance(reference, Moments):
        return score(Fid(), sample, reference, seed=seed)["fid"]
    stored = Stats(path=Path("real.npz"), num=None, card=None, pool=reference)
    summaries = {"sample": InMemory(sample), "reference": stored}
    return Fid().compute(inputs(Fid(), summaries), np.random.default_rng(seed)).scores[0]


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_the_debiased_error_counts_what_extrapolation_adds(shift):
    # Which is about as much as the first order where both sides are random and nearly alike.
    rng = np.random.default_rng(13)
    num = 6 * WIDTH
    scores = []
    for seed in range(400):
        summaries = {
            "sample": InMemory(draw(num, rng, shift)),
            "reference": InMemory(draw(num, rng)),
        }
        metric = FidDebiased()
        scores += metric.compute(inputs(metric, summaries), np.random.default_rng(seed)).scores
    values = [one.value for one in scores]
    variances = [one.influence.extrapolated_se**2 for one in scores]
    assert np.mean(variances) ** 0.5 == pytest.approx(np.std(values), rel=0.15)
    if shift == 0.0:
        first_order = np.mean([one.influence.se**2 for one in scores]) ** 0.5
        assert first_order < 0.8 * np.std(values)


def test_the_same_law_has_no_interval(score):
    # Told apart from 0 by chance: at most 1 in 40 of 100, more than 8 with probability 1e-3.
    rng = np.random.default_rng(6)
    scores = [score(Fid(), draw(120, rng), draw(120, rng), seed=seed)["fid"] for seed in range(100)]
    without = [one for one in scores if one.interval is None]
    assert len(without) >= 92
    assert "not told apart from 0" in without[0].notes[-1]
    assert abs(np.mean([one.details["debiased"] for one in scores])) < np.mean(
        [one.se for one in scores]
    )


def test_too_few_images_have_less_and_less(score):
    rng = np.random.default_rng(7)
    enough, few, fewer = (draw(count * WIDTH, rng, 0.5) for count in (5, 2, 1))
    reference = draw(5 * WIDTH, rng)
    full = score(Fid(), enough, reference)["fid"]
    assert full.interval is not None
    assert full.influence.reference is not None
    partly = score(Fid(), few, reference)["fid"]
    assert partly.se == partly.influence.se
    assert partly.interval is None
    assert "sample of 24 images, fewer than 60" in partly.notes[-1]
    poor = score(Fid(), fewer, reference)["fid"]
    assert poor.se is poor.interval is None
    assert len(poor.influence.sample) == WIDTH
    assert "decide with kid" in poor.notes[-1]
    scarce = score(Fid(), enough, few)["fid"]
    assert "reference of 24 images, fewer than 60" in scarce.notes[-1]
    bare = score(Fid(), enough, reference, keeps_rows=False)["fid"]
    assert bare.value == full.value
    assert bare.se is bare.interval is bare.influence is None


def test_a_stored_reference_counts_as_exact(score):
    rng = np.random.default_rng(8)
    sample, reference = draw(80, rng, 0.5), draw(80, rng)
    stored = fid_of(score, sample, Moments.of(reference), 0)
    known = score(Fid(), sample, reference)["fid"]
    assert stored.influence.reference is None
    assert stored.se < known.se
    np.testing.assert_allclose(stored.influence.sample, known.influence.sample, rtol=1e-9)
    assert "the reference's statistics exact" in stored.notes[-1]


def test_the_parts_are_random_and_the_same_for_all_estimates(score):
    parts = quarters(103, np.random.default_rng(0))
    assert sorted(np.concatenate(parts)) == list(range(103))
    assert [len(part) for part in parts] == [26, 26, 26, 25]
    assert 30 < parts[0].mean() < 70  # neither the first nor the last of a sorted folder
    rng = np.random.default_rng(9)
    sample, reference = draw(80, rng, 0.5), draw(80, rng)
    fid = score(Fid(), sample, reference, seed=3)["fid"]
    debiased = score(FidDebiased(), sample, reference, seed=3)["fid-debiased"]
    assert debiased.value == fid.details["debiased"]
    assert debiased.interval == fid.interval
    assert debiased.se >= fid.se
    other = score(FidDebiased(), sample, reference, seed=4)["fid-debiased"]
    assert other.value != debiased.value


def test_extrapolation_removes_two_terms_of_a_bias():
    def biased(num):
        return 7 + 30 / num - 200 / num**2

    parts = Extrapolation(biased(100), [biased(50)] * 2, [biased(25)] * 4)
    assert parts.value == pytest.approx(7, rel=1e-13)
    assert parts.value - parts.second_term == pytest.approx(2 * biased(100) - biased(50))


def test_debiased_of_few_images_has_no_error(score):
    rng = np.random.default_rng(10)
    sample, reference = draw(30, rng, 0.5), draw(90, rng)
    few = score(FidDebiased(), sample, reference)["fid-debiased"]
    assert few.se is few.interval is None
    assert "sample of 30 images, fewer than 60 (5 per dimension)" in few.notes[-1]
    assert few.value < score(Fid(), sample, reference)["fid"].value


def test_infinity_is_the_intercept_of_a_line(score, monkeypatch):
    rng = np.random.default_rng(11)
    sample, reference = draw(200, rng, 0.5), draw(90, rng)
    sizes = []

    def line(side, other):
        sizes.append(side.moments.num)
        return 3 + 50 / side.moments.num + (-1) ** len(sizes) * 0.01

    monkeypatch.setattr(frechet_limit, "distance", line)
    one = score(FidInfinity(num_sizes=7), sample, reference)["fid-infinity"]
    assert sizes == [100, 116, 133, 150, 166, 183, 200]
    expected, covariance = np.polyfit(
        1 / np.array(sizes),
        [3 + 50 / num + (-1) ** at * 0.01 for at, num in enumerate(sizes, start=1)],
        1,
        cov=True,
    )
    assert one.value == pytest.approx(expected[1], rel=1e-12)
    assert one.details["regression_se"] == pytest.approx(covariance[1, 1] ** 0.5, rel=1e-10)
    assert one.se is one.interval is None


def test_infinity_is_seeded_and_less_biased(population):
    rng = np.random.default_rng(12)
    reference = Stats(path=Path("real.npz"), num=None, card=None, pool=population[0])
    plain, infinity = [], []
    for seed in range(40):
        summaries = {"sample": InMemory(draw(80, rng, 0.5)), "reference": reference}
        for metric, values in ((Fid(), plain), (FidInfinity(smallest=30), infinity)):
            found = metric.compute(inputs(metric, summaries), np.random.default_rng(seed))
            values.append(found.scores[0].value)
    again, other = (
        metric.compute(inputs(metric, summaries), np.random.default_rng(seed)).scores[0].value
        for seed in (39, 40)
    )
    assert again == infinity[-1] != other
    assert abs(np.mean(infinity) - population[1]) < 0.5 * (np.mean(plain) - population[1])


@pytest.mark.parametrize("options", [{"num_sizes": 2}, {"smallest": 1}])
def test_senseless_options_are_refused(options):
    with pytest.raises(UsageError):
        FidInfinity(**options)


def test_what_changes_what_a_reader_may_do_is_a_caution(score):
    def cautions(num, num_reference, metric=Fid):
        rng = np.random.default_rng(11)
        sample, reference = draw(num, rng, 0.5), draw(num_reference, rng)
        (one,) = score(metric(), sample, reference).values()
        return one.cautions

    few = f"{WIDTH} images for {WIDTH} dimensions"
    assert cautions(WIDTH, 400) == {few: "too few to compare; use kid"}
    few = f"{WIDTH} reference images for {WIDTH} dimensions"
    assert cautions(400, WIDTH) == {few: "too few to compare; use kid"}
    few = f"{3 * WIDTH} images for {WIDTH} dimensions"
    assert list(cautions(3 * WIDTH, 400)) == [few]
    assert cautions(3 * WIDTH, 400, FidDebiased) == {few: "too few to remove the bias; use kid"}
