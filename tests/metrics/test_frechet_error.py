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
from ganeval.metrics.parts.extrapolation import quarters
from ganeval.metrics.parts.frechet_error import NO_PARTS, Gaussian, distance, influence_of
from ganeval.metrics.parts.linalg import frechet_distance
from ganeval.metrics.parts.transport import frechet_influence, influence_of_parts, optimal_maps
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


def fid_of(sample, reference, seed=0, metric=Fid, num=None):
    """The score of rows against rows or stored moments, which say that they are of `num` items."""
    if isinstance(reference, Moments):
        reference = Stats(path=Path("real.npz"), num=num, card=None, pool=reference)
    elif not isinstance(reference, InMemory):
        reference = InMemory(reference)
    found = inputs(metric(), {"sample": InMemory(sample), "reference": reference})
    return metric().compute(found, np.random.default_rng(seed)).scores[0]


def in_parts(rows, rng):
    """What a file of statistics with parts says of these rows."""
    return InMemory(rows, keeps_rows=False, stored_parts=quarters(len(rows), rng))


def test_too_few_images_have_less_and_less():
    rng = np.random.default_rng(7)
    enough, rough, poor = (draw(num, rng, 0.5) for num in (60, 59, 23))
    reference = draw(60, rng)
    full = fid_of(enough, reference)
    assert full.se == full.influence.se > 0
    assert full.details.keys() == {"debiased"}
    assert full.enough == {}
    for score, of_reference in ((fid_of(rough, reference), 60), (fid_of(enough, rough), 59)):
        assert score.se is score.interval is None
        assert score.details.keys() == {"roughly_debiased"}
        assert score.influence.reference.shape == (of_reference,)
        assert score.enough == {"se": 60}
        assert "large changes can be shown, but no change can be excluded" in score.notes[-1]
    for score in (fid_of(poor, reference), fid_of(enough, poor)):
        assert score.se is score.interval is None
        assert score.details == {}
        assert score.enough == {"se": 60}
        assert score.notes[-1].startswith("no interval: 23 ")
    assert fid_of(draw(24, rng), reference).details.keys() == {"roughly_debiased"}


def test_debiased_has_the_error_of_fid():
    rng = np.random.default_rng(9)
    sample, reference = draw(80, rng, 0.5), draw(80, rng)
    fid = fid_of(sample, reference, seed=3)
    debiased = fid_of(sample, reference, seed=3, metric=FidDebiased)
    assert debiased.value == fid.details["debiased"]
    assert (debiased.se, debiased.interval) == (fid.se, fid.interval)
    assert debiased.details["biased"] == fid.value
    assert debiased.cautions == {}
    assert fid_of(sample, reference, seed=4, metric=FidDebiased).value != debiased.value
    for num in (59, 20):
        few = fid_of(draw(num, rng, 0.5), reference, metric=FidDebiased)
        assert few.se is few.interval is None
        assert few.value < few.details["biased"]
        assert f"{num} images for 12 dimensions" in few.cautions


def test_the_parts_are_random():
    parts = quarters(103, np.random.default_rng(0))
    assert sorted(np.concatenate(parts)) == list(range(103))
    assert [len(part) for part in parts] == [26, 26, 26, 25]
    assert 30 < parts[0].mean() < 70  # neither the first nor the last of a sorted folder


def test_the_influence_of_a_part_is_the_mean_over_its_rows():
    rng = np.random.default_rng(14)
    own, other = draw(88, rng, 0.4), Moments.of(draw(70, rng))  # quarters of equal numbers
    dealt = quarters(88, rng)
    moments = Moments.of(own)
    forth, _ = optimal_maps(moments, other)
    of_rows = frechet_influence(own, moments, other, forth)
    of_parts = influence_of_parts([Moments.of(own[at]) for at in dealt], moments, other, forth)
    np.testing.assert_allclose(of_parts, [of_rows[at].mean() for at in dealt], rtol=1e-9)


def test_stored_parts_give_an_interval_from_as_many_items_as_images_do():
    rng = np.random.default_rng(15)
    sample, reference = draw(80, rng, 0.5), draw(60, rng)
    stored, known = fid_of(sample, in_parts(reference, rng)), fid_of(sample, reference)
    assert stored.value == pytest.approx(known.value, rel=1e-12)
    assert stored.influence.reference.shape == (4,)
    np.testing.assert_allclose(stored.influence.sample, known.influence.sample, atol=1e-10)
    assert stored.interval[0] < known.details["debiased"] < stored.interval[1]
    few = fid_of(sample, in_parts(reference[:59], rng))
    assert few.se is few.interval is None
    assert few.details.keys() == {"roughly_debiased"}
    assert "59 reference images for 12 dimensions" in few.cautions
    fewer = fid_of(sample, in_parts(reference[:23], rng))
    assert fewer.se is fewer.interval is None
    assert fewer.details == {}


def test_a_reference_without_parts_has_a_value_alone():
    rng = np.random.default_rng(8)
    sample, reference = draw(80, rng, 0.5), Moments.of(draw(80, rng))
    for num in (80, None):
        score = fid_of(sample, reference, num=num)
        assert score.se is score.interval is score.influence.reference is None
        assert score.notes[-1] == NO_PARTS
        assert (
            score.cautions["the reference's statistics have no moments of quarters"]
            == "no interval"
        )
    few = fid_of(sample, reference, num=59)
    assert few.details.keys() == {"roughly_debiased"}
    assert few.notes[-1].startswith("no interval: 59 reference images for 12 dimensions")
    assert fid_of(sample, reference, num=23).details == {}
    nobody = Fid().compute(
        inputs(Fid(), dict.fromkeys(("sample", "reference"), in_parts(sample, rng))),
        np.random.default_rng(0),
    )
    assert nobody.scores[0].se is nobody.scores[0].influence is None


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


def test_what_changes_what_a_reader_may_do_is_a_caution():
    rng = np.random.default_rng(11)
    many = draw(400, rng)

    def cautions(num, num_reference, metric=Fid):
        return fid_of(many[:num], draw(num_reference, rng), metric=metric).cautions

    assert cautions(23, 400) == {
        "23 images for 12 dimensions": "too few to compare; 60 are needed, or use kid"
    }
    assert cautions(400, 23) == {
        "23 reference images for 12 dimensions": "too few to compare; 60 are needed, or use kid"
    }
    few = {"59 images for 12 dimensions": "too few for an interval; 60 are needed, or use kid"}
    assert cautions(59, 400) == cautions(59, 400, FidDebiased) == few
    assert cautions(60, 400) == {
        "the interval refers to infinitely many images": (
            "it may not contain the value, which is biased"
        )
    }


def test_infinity_warns_where_its_smallest_size_is_no_line():
    rng = np.random.default_rng(16)
    reference = draw(60, rng)
    assert fid_of(draw(48, rng), reference, metric=FidInfinity).cautions == {}
    assert fid_of(draw(46, rng), reference, metric=FidInfinity).cautions == {
        "23 images for 12 dimensions at the smallest size": "no line in 1/n, so the value is far "
        "off; 48 are needed"
    }
    found = inputs(FidInfinity(), dict.fromkeys(("sample", "reference"), InMemory(draw(90, rng))))
    small = FidInfinity(smallest=20).compute(found, rng).scores[0]
    assert list(small.cautions) == ["20 images for 12 dimensions at the smallest size"]
