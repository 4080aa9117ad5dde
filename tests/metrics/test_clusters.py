"""Errors over clusters against simulations of repeated images, and against sums by hand."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganeval.features.moments import Moments
from ganeval.metrics.authenticity import Authenticity
from ganeval.metrics.base import Metric, Score
from ganeval.metrics.frechet import Fid
from ganeval.metrics.kernel import Kid
from ganeval.metrics.paired import Psnr, Ssim
from ganeval.metrics.parts.clusters import num_units, over_units, parts_of
from ganeval.metrics.parts.extrapolation import quarters
from ganeval.metrics.parts.frechet_error import Gaussian, distance, influence_of
from ganeval.scores.influence import Influence, mean_variance
from tests.summaries import InMemory, inputs

Clusters = npt.NDArray[np.int64]

SIZES = st.lists(st.integers(1, 9), min_size=4, max_size=40)


def clusters_of(sizes: list[int], seed: int) -> Clusters:
    """The clusters of these sizes, their images mixed, numbered by their first appearance."""
    mixed = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    _, first, which = np.unique(mixed, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[which]


@given(SIZES, st.integers(0, 2**32 - 1))
def test_the_mean_over_clusters_is_that_over_images(sizes: list[int], seed: int) -> None:
    clusters = clusters_of(sizes, seed)
    values = np.random.default_rng(seed).normal(size=len(clusters))
    units = over_units(values, clusters)
    assert len(units) == num_units(len(values), clusters) == len(sizes)
    assert units.mean() == pytest.approx(values.mean(), abs=1e-12)
    for cluster in range(len(sizes)):
        total = sum(value for value, one in zip(values, clusters, strict=True) if one == cluster)
        assert units[cluster] == pytest.approx(total * len(sizes) / len(values), abs=1e-12)


def test_without_clusters_nothing_changes() -> None:
    values = np.arange(9.0)
    assert over_units(values, None) is values
    assert np.array_equal(over_units(values, np.arange(9)), values)
    assert num_units(9, None) == 9
    ours, theirs = (
        one(41, np.random.default_rng(3)) for one in (lambda n, r: parts_of(n, r, None), quarters)
    )
    for part, other in zip(ours, theirs, strict=True):
        assert np.array_equal(part, other)


@settings(max_examples=60)
@given(SIZES, st.integers(0, 2**32 - 1), st.integers(2, 10))
def test_parts_are_made_of_whole_clusters_and_of_about_as_many_images(
    sizes: list[int], seed: int, num_parts: int
) -> None:
    clusters = clusters_of(sizes, seed)
    num_parts = min(num_parts, len(sizes))
    rng = np.random.default_rng(seed)
    parts = parts_of(len(clusters), rng, clusters, num_parts=num_parts)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(len(clusters)))
    members = [set(clusters[part].tolist()) for part in parts]
    assert sum(map(len, members)) == len(set().union(*members)) == len(sizes)
    nums = [len(part) for part in parts]
    assert min(nums) > 0
    assert max(nums) - min(nums) <= max(sizes)
    assert all(np.array_equal(part, np.sort(part)) for part in parts)


def test_every_cluster_is_as_likely_in_every_part() -> None:
    clusters = np.repeat(np.arange(8), [1, 1, 1, 1, 1, 1, 2, 4])
    rng = np.random.default_rng(0)
    counts = np.zeros((8, 4))
    for _ in range(2000):
        for number, part in enumerate(parts_of(12, rng, clusters)):
            counts[np.unique(clusters[part]), number] += 1
    # A quarter of 2,000 deals each, with a standard deviation of 19.
    assert np.abs(counts - 500).max() < 85


def ratio(draw: Callable[[np.random.Generator], tuple[float, float]], trials: int) -> float:
    """The root of the mean stated variance over the variance of the values; 1 if right."""
    rng = np.random.default_rng(7)
    found = np.array([draw(rng) for _ in range(trials)])
    return float(np.sqrt(np.mean(found[:, 1] ** 2)) / found[:, 0].std(ddof=1))


@pytest.mark.parametrize("repeats", [2, 5])
def test_the_error_of_a_mean_of_repeated_images(repeats: int) -> None:
    """60 skewed images, each repeated: the naive error is too small by the root of the repeats."""
    clusters = np.tile(np.arange(60), repeats)

    def said(rng: np.random.Generator, known: Clusters | None) -> tuple[float, float]:
        values = np.tile(rng.exponential(size=60), repeats).astype(np.float32)
        metric = Ssim()
        pairs = InMemory(values[:, None], noun="pairs", clusters=known)
        (score,) = metric.compute(inputs(metric, {"sample": pairs}), rng).scores
        assert score.se is not None
        return score.value, score.se

    assert ratio(lambda rng: said(rng, clusters), 800) == pytest.approx(1, abs=0.08)
    naive = ratio(lambda rng: said(rng, None), 800)
    assert naive == pytest.approx(repeats**-0.5, abs=0.06)


def test_the_error_of_a_mean_over_clusters_of_different_sizes() -> None:
    """Clusters of 1 to 9 images with a part in common: the mean is over images, a ratio."""

    def said(rng: np.random.Generator, *, naive: bool) -> tuple[float, float]:
        sizes = rng.integers(1, 10, 80)
        clusters = np.repeat(np.arange(80), sizes)
        # Large clusters have larger values, so the number of images is a part of the noise.
        values = (rng.normal(size=80) + 0.2 * sizes)[clusters] + rng.normal(size=len(clusters))
        influence = values - values.mean()
        units = influence if naive else over_units(influence, clusters)
        return float(values.mean()), float(np.sqrt(mean_variance(units)))

    assert ratio(lambda rng: said(rng, naive=False), 1500) == pytest.approx(1, abs=0.06)
    assert ratio(lambda rng: said(rng, naive=True), 1500) < 0.6


@pytest.mark.parametrize("repeats", [2, 5])
def test_the_error_of_a_frechet_distance_of_repeated_images(repeats: int) -> None:
    """100 images in 3 dimensions, each repeated, beside a fixed Gaussian far enough away."""
    reference = Gaussian(
        "reference", Moments(10**6, np.ones(3), 10**6 * np.diag([1.0, 2, 3])), None
    )

    def said(rng: np.random.Generator, *, naive: bool) -> tuple[float, float]:
        rows = np.tile(rng.normal(size=(100, 3)), (repeats, 1)).astype(np.float32)
        clusters = np.tile(np.arange(100), repeats)
        sample = Gaussian("sample", Moments.of(rows), rows)
        of_images = influence_of(sample, reference).sample
        units = of_images if naive else over_units(of_images, clusters)
        return distance(sample, reference), float(np.sqrt(mean_variance(units)))

    assert ratio(lambda rng: said(rng, naive=False), 300) == pytest.approx(1, abs=0.12)
    assert ratio(lambda rng: said(rng, naive=True), 300) == pytest.approx(repeats**-0.5, abs=0.1)


@pytest.mark.parametrize("metric", [Fid(), Kid()], ids=["fid", "kid"])
@pytest.mark.parametrize("repeats", [2, 5])
def test_the_errors_of_distances_between_repeated_images(metric: Metric, repeats: int) -> None:
    """60 draws of 200 images a side in 4 dimensions, each repeated, of laws well apart.

    The error over clusters is that of the spread within 25 %, beside 9 % by which the spread of 60
    draws is off; the naive one is too small by the root of the repeats.
    """
    known, rng = np.tile(np.arange(200), repeats), np.random.default_rng(11)
    values, clustered, naive = [], [], []
    for _ in range(60):
        sides = {
            "sample": rng.uniform(-0.7, 1.9, (200, 4)),
            "reference": rng.uniform(-1.5, 1.5, (200, 4)),
        }
        for errors, clusters in ((clustered, known), (naive, None)):
            given = {
                role: InMemory(np.tile(rows, (repeats, 1)).astype(np.float32), clusters=clusters)
                for role, rows in sides.items()
            }
            (score,) = metric.compute(inputs(metric, given), np.random.default_rng(0)).scores
            assert score.se is not None
            errors.append(score.se)
            if clusters is not None:
                # The error of FID is the error of the value without its bias.
                values.append(score.details.get("debiased", score.value))
    spread = np.std(values, ddof=1)
    assert np.sqrt(np.mean(np.square(clustered))) / spread == pytest.approx(1, abs=0.25)
    ratio_of_naive = np.sqrt(np.mean(np.square(naive))) / spread
    assert ratio_of_naive == pytest.approx(repeats**-0.5, abs=0.15)


def test_parts_of_whole_clusters_have_the_bias_of_as_few_independent_images() -> None:
    """The extrapolation from such parts removes only the bias of repeated images."""
    rng = np.random.default_rng(0)
    reference = Gaussian("reference", Moments(10**6, np.zeros(4), 10**6 * np.eye(4)), None)

    def mean_of_parts(rows: npt.NDArray[np.float32], known: Clusters | None) -> float:
        parts = parts_of(len(rows), rng, known)
        return float(
            np.mean(
                [distance(Gaussian("s", Moments.of(rows[p]), rows[p]), reference) for p in parts]
            )  # type: ignore[arg-type]
        )

    nums = {"whole": 0.0, "blind": 0.0, "fresh": 0.0}
    for _ in range(60):
        once = rng.normal(size=(60, 4)).astype(np.float32)
        rows, clusters = np.tile(once, (5, 1)), np.tile(np.arange(60), 5)
        nums["whole"] += mean_of_parts(rows, clusters) / 60
        nums["blind"] += mean_of_parts(rows, None) / 60
        nums["fresh"] += mean_of_parts(once, None) / 60
    # The covariance of 5 copies of 15 images is divided by 74 / 5 and not by 14.
    assert nums["whole"] == pytest.approx(nums["fresh"], rel=0.1)
    assert nums["blind"] < 0.6 * nums["fresh"]


def score_of(metric: Metric, rows: npt.NDArray[np.float64], clusters: Clusters | None) -> Score:
    pairs = InMemory(rows[:, None].astype(np.float32), noun="pairs", clusters=clusters)
    return metric.compute(inputs(metric, {"sample": pairs}), np.random.default_rng(0)).scores[0]


def test_repeats_add_nothing_to_what_is_known() -> None:
    values = np.random.default_rng(0).normal(size=40)
    once = score_of(Ssim(), values, None)
    again = score_of(Ssim(), np.tile(values, 3), np.tile(np.arange(40), 3))
    assert again.value == pytest.approx(once.value)
    assert again.se == pytest.approx(once.se)
    assert again.interval == pytest.approx(once.interval)
    assert again.notes == ("standard error over 40 clusters of pairs",)
    assert once.notes == ()


def test_fewer_than_thirty_clusters_have_no_error() -> None:
    score = score_of(Ssim(), np.arange(290.0), np.repeat(np.arange(29), 10))
    assert (score.se, score.interval, score.influence) == (None, None, None)
    assert score.cautions == {"29 clusters of pairs": "too few for an interval (30 are needed)"}
    assert score.enough == {}  # how many items that would be is not known


def test_clusters_without_a_pair_that_counts_are_no_units() -> None:
    errors = np.random.default_rng(1).uniform(1, 9, 160)
    clusters = np.repeat(np.arange(32), 5)
    identical = np.where(clusters < 3, 0.0, errors)
    assert score_of(Psnr(), errors, clusters).se is not None
    score = score_of(Psnr(), identical, clusters)
    assert score.se is None
    assert "29 clusters of pairs" in score.cautions
    # With some pairs of a cluster left out, the sums by hand.
    errors[::7] = 0
    score = score_of(Psnr(), errors, clusters)
    kept = errors > 0
    ratios = 10 * np.log10(255**2 / errors[kept].astype(np.float32))
    sums = [
        (ratios[clusters[kept] == one] - ratios.mean()).sum() * 32 / kept.sum() for one in range(32)
    ]
    assert score.value == pytest.approx(ratios.mean())
    assert score.se == pytest.approx(np.std(sums, ddof=1) / 32**0.5, rel=1e-5)


def authenticity(sample: npt.NDArray[np.float64], clusters: Clusters | None) -> Score:
    train = np.random.default_rng(5).normal(size=(50, 2)).astype(np.float32)
    metric = Authenticity()
    roles = {
        "sample": InMemory(sample.astype(np.float32), clusters=clusters),
        "train": InMemory(train),
    }
    return metric.compute(inputs(metric, roles), np.random.default_rng(0)).scores[0]


def test_the_share_of_authentic_clusters() -> None:
    clusters = np.tile(np.arange(50), 5)

    def said(rng: np.random.Generator, known: Clusters | None) -> tuple[float, float]:
        score = authenticity(np.tile(rng.normal(size=(50, 2)), (5, 1)), known)
        assert score.se is not None
        return score.value, score.se

    assert ratio(lambda rng: said(rng, clusters), 400) == pytest.approx(1, abs=0.1)
    assert ratio(lambda rng: said(rng, None), 400) < 0.55
    once = np.random.default_rng(2).normal(size=(50, 2))
    alone, again = authenticity(once, None), authenticity(np.tile(once, (5, 1)), clusters)
    assert again.se == pytest.approx(alone.se)
    # Wilson's interval of 49 independent images: 0.02 less than the 50 there are, by ddof = 1.
    assert again.interval == pytest.approx(alone.interval, abs=0.005)


def test_a_share_of_all_is_as_certain_as_there_are_clusters() -> None:
    far = np.random.default_rng(2).normal(100, 1, (200, 2))
    score = authenticity(far, np.repeat(np.arange(40), 5))
    assert (score.value, score.se) == (1.0, 0.0)
    assert score.interval is not None
    assert score.interval == pytest.approx((40 / (40 + 1.96**2), 1.0))


def test_an_influence_over_clusters_is_one_of_fewer_units() -> None:
    values = np.random.default_rng(0).normal(size=30)
    once = Influence(sample=values - values.mean())
    again = Influence(sample=over_units(np.repeat(once.sample, 4), np.repeat(np.arange(30), 4)))
    assert again.se == pytest.approx(once.se)
