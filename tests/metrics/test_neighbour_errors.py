"""The errors of precision, recall, density and coverage: blocks, and the spread over draws."""

import numpy as np
import pytest
import scipy.stats
from scipy.spatial.distance import cdist

from ganeval.machine.resources import Resources
from ganeval.metrics import neighbours
from ganeval.metrics.neighbours import DensityCoverage, PrecisionRecall
from ganeval.metrics.parts import neighbourhood
from ganeval.metrics.parts.blocks import num_near
from ganeval.metrics.parts.intervals import effective_number, wilson
from ganeval.scores.power import quantile
from tests.metrics.test_neighbours import brute_force, lattice

K = 3


@pytest.fixture(autouse=True)
def few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let blocks be small, so that what they are can be counted by hand."""
    monkeypatch.setattr(neighbours, "IMAGES_PER_NEIGHBOUR", 20)


def all_four(score, sample, reference, k=K, *, closed, **options):
    inclusion = "closed" if closed else "strict"
    return {
        **score(PrecisionRecall(k, inclusion), sample, reference, **options),
        **score(DensityCoverage(k, inclusion), sample, reference, **options),
    }


def blocks_by_brute_force(sample, reference, *, closed):
    """The scores of the quarters and halves that the stream 0 deals, by name."""
    rng = np.random.default_rng(0)
    of_reference, of_sample = (
        [rng.permutation(len(rows)) % 4 for _ in range(12)] for rows in (reference, sample)
    )
    quarters, halves = [], []
    for real, made in zip(of_reference, of_sample, strict=True):
        quarters.append([(real == at, made == at) for at in range(4)])
    for pair in ((2, 3), (1, 3), (1, 2)):
        for real, made in zip(of_reference, of_sample, strict=True):
            sides = np.isin(real, pair), np.isin(made, pair)
            halves.append([tuple(~side for side in sides), sides])
    found = [
        [
            [brute_force(sample[made], reference[real], K, closed=closed) for real, made in one]
            for one in partitions
        ]
        for partitions in (quarters, halves)
    ]
    return {
        name: [np.array([[block[name] for block in one] for one in half]) for half in found]
        for name in found[0][0][0]
    }


def least_variances(sample, reference, *, closed):
    """What the variances would be if the balls had no chance of their own."""
    own = cdist(reference.astype(float), reference.astype(float), "sqeuclidean")
    radii = np.sort(own, axis=1)[:, K]
    between = cdist(reference.astype(float), sample.astype(float), "sqeuclidean")
    inside = between <= radii[:, None] if closed else between < radii[:, None]
    whole = brute_force(sample, reference, K, closed=closed)
    return {
        "precision": whole["precision"] * (1 - whole["precision"]) / len(sample),
        "recall": whole["recall"] * (1 - whole["recall"]) / len(reference),
        "density": np.var(inside.sum(axis=0) / K, ddof=1) / len(sample),
        "coverage": 0.0,
    }


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("kind", ["features", "ties"])
def test_blocks_equal_their_definition(score, features, monkeypatch, kind, closed):
    sample, reference = features(75, 6, 1, 0.2), features(90, 6, 2)
    if kind == "ties":
        sample, reference = lattice(75, 4, 1), lattice(90, 4, 2)
        sample[:20] = reference[:20]
    least = least_variances(sample, reference, closed=closed)
    monkeypatch.setattr(neighbourhood, "num_near", lambda k: 1000)
    ours = all_four(score, sample, reference, closed=closed)
    for name, (quarters, halves) in blocks_by_brute_force(sample, reference, closed=closed).items():
        of_quarters, of_halves = (
            np.mean([np.var(one, ddof=1) / len(one) for one in blocks])
            for blocks in (quarters, halves)
        )
        step = np.clip(of_halves / of_quarters, 1, 2)
        expected = max(of_halves * np.sqrt(step), least[name])
        found = ours[name]
        assert found.se == pytest.approx(np.sqrt(expected), rel=1e-12)
        centred = halves - halves.mean(axis=1, keepdims=True)
        np.testing.assert_allclose(
            found.influence.sample, centred * found.se / np.sqrt(of_halves), atol=1e-12
        )


@pytest.mark.parametrize("k", [3, 5])
def test_few_neighbours_are_enough_for_the_quarters(score, features, monkeypatch, k):
    sample, reference = features(400, 16, 1, 0.2), features(400, 16, 2)
    few = all_four(score, sample, reference, k, closed=False)
    monkeypatch.setattr(neighbourhood, "num_near", lambda k: 1000)
    for name, one in all_four(score, sample, reference, k, closed=False).items():
        assert few[name].value == one.value
        assert few[name].se == pytest.approx(one.se, rel=0.01)
    assert scipy.stats.binom.cdf(k - 1, num_near(k), 0.25) < 1e-3
    assert scipy.stats.binom.cdf(k - 1, num_near(k) - 1, 0.25) >= 1e-3


def test_samples_of_all_sizes_meet_one_partition_of_the_reference(features):
    rows = features(90, 6, 2)
    dealt = [
        neighbourhood.Neighbourhood(
            sides={"sample": features(num, 6, 1), "reference": rows},
            near={},
            pairs={},
            noun="images",
            resources=Resources(),
        ).blocks(np.random.default_rng(3))
        for num in (70, 80)
    ]
    np.testing.assert_array_equal(dealt[0]["reference"], dealt[1]["reference"])
    for num, blocks in zip((70, 80), dealt, strict=True):
        assert blocks["sample"].shape == (1 + 12 + 36, num)
        for halves in blocks["sample"][13:]:
            assert abs(np.bincount(halves)[0] - num / 2) <= 1


@pytest.mark.parametrize("law", ["gaussian", "sparse"])
def test_the_error_is_the_spread_of_independent_draws(score, law):
    rng = np.random.default_rng(4)

    def draw(shift):
        rows = rng.standard_normal((200, 8)) + shift
        if law == "sparse":
            rows = np.maximum(rows, 0) ** 1.5
        return rows.astype(np.float32)

    results = []
    for _ in range(80):
        reference = draw(0.0)
        results.append(
            [all_four(score, draw(shift), reference, closed=True) for shift in (0.1, 0.4)]
        )
    for name in results[0][0]:
        near, far = ([one[at][name] for one in results] for at in (0, 1))
        # 80 draws: the spread has an error of 8 %.
        for scores in (near, far):
            spread = np.std([one.value for one in scores], ddof=1)
            assert 0.8 < np.sqrt(np.mean([one.se**2 for one in scores])) / spread < 1.35
            truth = np.mean([one.value for one in scores])
            covers = np.mean([one.interval[0] <= truth <= one.interval[1] for one in scores])
            assert covers >= 0.87, name
        spread = np.std([a.value - b.value for a, b in zip(near, far, strict=True)], ddof=1)
        errors = [
            (a.influence.sample - b.influence.sample).var(axis=1, ddof=1).mean() / 2
            for a, b in zip(near, far, strict=True)
        ]
        assert 0.8 < np.sqrt(np.mean(errors)) / spread < 1.35


def test_at_the_boundary_there_is_an_interval_and_no_error(score, features):
    far, reference = features(80, 6, 1, 50.0), features(80, 6, 2)
    ours = all_four(score, far, reference, closed=True)
    for name in ("precision", "recall", "coverage"):
        one = ours[name]
        assert (one.value, one.se, one.influence) == (0.0, None, None)
        assert one.interval == wilson(0.0, 80, quantile(0.975, 80 / 20))
        assert one.interval[1] > 0.05
        assert one.notes == (
            "no standard error: all blocks have one score; "
            "the interval is that of independent images",
        )
    density = ours["density"]
    assert (density.value, density.se, density.interval) == (0.0, None, None)
    assert density.notes == ("no standard error, no interval: all blocks have one score",)


@pytest.mark.parametrize(("k", "enough"), [(1, 60), (3, 60), (5, 100)])
def test_too_few_images_have_neither_error_nor_interval(score, features, k, enough):
    for few, many in ((enough - 1, enough + 5), (enough + 5, enough - 1)):
        for one in all_four(
            score, features(few, 8, 1), features(many, 8, 2), k, closed=True
        ).values():
            assert (one.se, one.interval, one.influence) == (None, None, None)
            assert one.enough == {"se": enough}
            assert (
                one.cautions[f"{enough - 1} images on the smaller side"]
                == f"too few for a standard error ({enough} are needed)"
            )
    there = all_four(score, features(enough, 8, 1), features(enough, 8, 2), k, closed=True)
    assert all(one.se is not None for one in there.values())


def test_the_effective_number_is_that_of_the_error():
    num = effective_number(0.3, 1000, 0.05)
    added = 302 / 1004
    assert num == pytest.approx(added * (1 - added) / 0.05**2)
    assert effective_number(0.3, 1000, 0.001) == 1000
    assert effective_number(0.0, 1000, 0.0) == 1000
    low, high = wilson(0.3, num)
    assert (high - low) / (2 * 1.96) == pytest.approx(0.05, rel=0.05)


def test_the_error_is_no_less_than_that_of_independent_images(score):
    rng = np.random.default_rng(9)
    sample, reference = (rng.standard_normal((80, 32)).astype(np.float32) for _ in range(2))
    one = score(PrecisionRecall(), sample, reference)["precision"]
    assert one.se == pytest.approx(np.sqrt(one.value * (1 - one.value) / 80), rel=1e-12)
    assert one.influence.se == pytest.approx(one.se, rel=1e-12)
