import numpy as np
import pytest
import scipy.stats
import torch
from torch_fidelity.metric_isc import isc_features_to_metric
from torchmetrics.image.inception import InceptionScore as TorchmetricsInceptionScore

from ganeval.errors import UsageError
from ganeval.metrics import inception_score
from ganeval.metrics.inception_score import InceptionScore


class Flat(torch.nn.Module):
    """An extractor whose logits are its input."""

    def forward(self, rows):
        return rows


def logits_of(num, seed, classes=50):
    return (np.random.default_rng(seed).standard_normal((num, classes)) * 3).astype(np.float32)


def by_definition(logits, parts):
    values = []
    for part in parts:
        exponentials = np.exp(logits[part].astype(np.float64))
        p = exponentials / exponentials.sum(axis=1, keepdims=True)
        values.append(np.exp((p * np.log(p / p.mean(axis=0))).sum(axis=1).mean()))
    return values


@pytest.mark.parametrize("num", [10, 57, 500])
def test_equals_torch_fidelity(score, num):
    logits = logits_of(num, num)
    expected = isc_features_to_metric(torch.from_numpy(logits))
    ours = score(InceptionScore(), logits)["is"]
    assert ours.value == pytest.approx(expected["inception_score_mean"], rel=1e-13)
    assert ours.details["std"] == pytest.approx(expected["inception_score_std"], rel=1e-11)


@pytest.mark.filterwarnings("ignore:Metric `InceptionScore` will save:UserWarning")
@pytest.mark.parametrize("num", [40, 57, 500])
def test_equals_torchmetrics_under_the_same_permutation(score, monkeypatch, num):
    logits = logits_of(num, num)
    monkeypatch.setattr(
        torch, "randperm", lambda n: torch.from_numpy(np.random.default_rng(3).permutation(n))
    )
    metric = TorchmetricsInceptionScore(Flat())
    metric.update(torch.from_numpy(logits).double())
    mean, std = metric.compute()
    ours = InceptionScore(order="seeded", cut="torch-chunk", std_ddof=1)
    result = score(ours, logits, seed=3)["is"]
    assert result.value == pytest.approx(mean.item(), rel=1e-13)
    assert result.details["std"] == pytest.approx(std.item(), rel=1e-11)


def test_given_order_cuts_in_sequence(score):
    logits = logits_of(23, 1)
    parts = [slice(0, 7), slice(7, 15), slice(15, 23)]
    expected = by_definition(logits, parts)
    ours = score(InceptionScore(splits=3, order="given"), logits)["is"]
    assert ours.value == pytest.approx(np.mean(expected), rel=1e-13)
    assert ours.details["std"] == pytest.approx(np.std(expected), rel=1e-11)


def test_blocks_change_nothing(score, monkeypatch):
    logits = logits_of(100, 2)
    whole = score(InceptionScore(splits=2), logits)["is"].value
    monkeypatch.setattr(inception_score, "BLOCK", 7)
    assert score(InceptionScore(splits=2), logits)["is"].value == pytest.approx(whole, rel=1e-13)


def test_one_where_all_images_look_alike(score):
    logits = np.repeat(logits_of(1, 3), 40, axis=0)
    assert score(InceptionScore(), logits)["is"].value == pytest.approx(1, rel=1e-13)


def test_number_of_classes_where_images_are_certain_and_balanced(score):
    # 2000 apart: the probabilities underflow to exactly 0 and 1.
    logits = np.tile(np.eye(8, dtype=np.float32), (5, 1)) * 2000
    logits = np.hstack([logits, np.full((40, 1), -2000, np.float32)])  # a class never seen
    one = score(InceptionScore(splits=1), logits)["is"]
    assert one.value == pytest.approx(8, rel=1e-13)


RARE = np.arange(1, 21) / 210  # how frequent each of 20 classes is


def draw_logits(rng, num, height):
    """One class stands out by `height` in each image; all else about the images is alike."""
    logits = np.zeros((num, 20), np.float32)
    logits[np.arange(num), rng.choice(20, num, p=RARE)] = height
    return logits


def limit(height):
    """The score of infinitely many such images: exp(H(p(y)) - H(p(y|x)))."""
    top, other = np.exp(height) / (np.exp(height) + 19), 1 / (np.exp(height) + 19)
    mean = RARE * (top - other) + other
    return np.exp(top * np.log(top) + 19 * other * np.log(other) - mean @ np.log(mean))


@pytest.mark.parametrize(("height", "num"), [(1.5, 100), (3.5, 100), (9.0, 360)])
def test_the_error_is_the_spread_and_intervals_cover_the_limit(score, height, num):
    rng, true = np.random.default_rng(9), limit(height)
    scores = [
        score(InceptionScore(splits=2), draw_logits(rng, num, height))["is"] for _ in range(400)
    ]
    debiased = np.array([one.details["debiased"] for one in scores])
    spread = debiased.std(ddof=1)
    assert debiased.mean() == pytest.approx(true, abs=3.5 * spread / 20 + 0.05 * spread)
    # The mean over splits is biased by more than that: by a standard error and more.
    assert np.mean([one.value for one in scores]) < true - spread
    # The variance of 400 draws is known up to this; within that the error's is 0.95 to 1.15 of it.
    low, high = scipy.stats.chi2.ppf([0.0005, 0.9995], 399) / 399
    assert 0.95 * low < np.mean([one.se**2 for one in scores]) / spread**2 < 1.15 * high
    assert all(one.se == one.influence.se for one in scores)
    # More miss on a side with probability 1e-3 if each does with 4 %, the most that is allowed.
    most = scipy.stats.binom.isf(1e-3, 400, 0.04)
    assert sum(one.interval[0] > true for one in scores) <= most
    assert sum(one.interval[1] < true for one in scores) <= most


def test_influences_are_the_derivatives_without_an_images_own_part(score):
    """By weights: the first derivative, less the second over N, which is the image by itself."""
    logits = logits_of(400, 8)
    p = np.exp(logits.astype(np.float64))
    p /= p.sum(axis=1, keepdims=True)

    def weighted(image, step):
        weights = np.full(400, (1 - step) / 400)
        weights[image] += step
        mean = weights @ p
        return weights @ (p * np.log(p)).sum(axis=1) - mean @ np.log(mean)

    one = score(InceptionScore(splits=1), logits)["is"]
    slopes, bends, step = [], [], 1e-4
    for image in range(400):
        above, here, below = (weighted(image, at) for at in (step, 0, -step))
        slopes.append((above - below) / (2 * step))
        bends.append((above - 2 * here + below) / step**2)
    expected = np.array(slopes) - np.array(bends) / 400
    expected = one.details["debiased"] * (expected - expected.mean())
    scale = abs(expected).max()
    np.testing.assert_allclose(one.influence.sample, expected, atol=1e-5 * scale)
    assert np.std(bends) / 400 > 0.02 * np.std(slopes)  # so that the test would miss it


def test_too_few_images_have_no_error(score):
    def of(num, classes, height):
        at = np.random.default_rng(num).integers(0, classes, num)
        return score(InceptionScore(splits=2), height * np.eye(classes, dtype=np.float32)[at])["is"]

    # At least 100; 2 of each class of the network; 20 for each class that is in use.
    for num, classes, height in ((99, 4, 3), (399, 200, 0.1), (399, 20, 50)):
        few = of(num, classes, height)
        assert few.se is few.interval is few.influence is None
        assert "debiased" not in few.details
        assert few.notes[0].startswith(f"no interval: {num} images for ")
        enough = of(few.enough["se"] + num // 20, classes, height)
        assert enough.interval[0] < enough.details["debiased"] < enough.interval[1]
    assert of(99, 4, 3).enough == {"se": 100}
    assert of(399, 200, 0.1).enough == {"se": 400}
    assert 390 < of(399, 20, 50).enough["se"] <= 410


def test_adding_a_constant_to_logits_changes_nothing(score):
    logits = np.round(logits_of(50, 4) * 64) / 64
    value = score(InceptionScore(), logits)["is"].value
    shifted = score(InceptionScore(), logits + np.float32(1000))["is"].value
    assert shifted == pytest.approx(value, rel=1e-12)


def test_one_split_has_no_std_of_ddof_1(score):
    logits = logits_of(50, 5)
    assert score(InceptionScore(splits=1, std_ddof=1), logits)["is"].details == {}
    assert score(InceptionScore(splits=1), logits)["is"].details == {"std": 0.0}


def test_needs_an_image_per_split():
    (need,) = InceptionScore(splits=7, layer="logits_biased").needs
    assert (need.feature.layer, need.minimum, need.why) == ("logits_biased", 7, "7 splits")
    assert need.role == "sample"


@pytest.mark.parametrize("options", [{"splits": 0}, {"std_ddof": 2}, {"std_ddof": -1}])
def test_senseless_options_are_refused(options):
    with pytest.raises(UsageError):
        InceptionScore(**options)
