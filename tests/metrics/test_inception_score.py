import numpy as np
import pytest
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


def population_score(draw):
    """The score of very many images, whose bias is negligible."""
    return by_definition(draw(np.random.default_rng(0), 200_000), [slice(None)])[0]


def draw_logits(rng, num):
    classes = rng.choice(20, num, p=np.arange(1, 21) / 210)
    logits = rng.standard_normal((num, 20))
    logits[np.arange(num), classes] += 3 * rng.gamma(2, 1, num)
    return logits.astype(np.float32)


def test_the_error_is_the_spread_and_intervals_cover_the_limit(score):
    rng = np.random.default_rng(9)
    true = population_score(draw_logits)
    scores = [score(InceptionScore(splits=2), draw_logits(rng, 400))["is"] for _ in range(300)]
    values = [one.value for one in scores]
    # The standard deviation of 300 draws has an error of 4 %.
    assert np.mean([one.se for one in scores]) == pytest.approx(np.std(values), rel=0.15)
    assert all(one.se == one.influence.se for one in scores)
    # Of 300 intervals at 95 % fewer than 270 cover with probability 2e-4 (binomial).
    assert sum(one.interval[0] <= true <= one.interval[1] for one in scores) >= 270
    assert np.mean(values) < true - 0.3 * np.std(values)  # the mean over splits is biased


def test_influences_are_the_derivatives_by_the_weights(score):
    logits = logits_of(60, 8)
    p = np.exp(logits.astype(np.float64))
    p /= p.sum(axis=1, keepdims=True)

    def weighted(weights):
        mean = weights @ p
        return np.exp(weights @ (p * np.log(p)).sum(axis=1) - mean @ np.log(mean))

    one = score(InceptionScore(splits=1), logits)["is"]
    for image in range(0, 60, 7):
        ends = []
        for step in (1e-6, -1e-6):
            weights = np.full(60, (1 - step) / 60)
            weights[image] += step
            ends.append(weighted(weights))
        slope = (ends[0] - ends[1]) / 2e-6
        assert one.influence.sample[image] == pytest.approx(slope, rel=1e-6)


def test_no_interval_where_the_bias_is_not_known(score):
    few = score(InceptionScore(splits=2), logits_of(7, 6))["is"]
    assert few.se is few.interval is None
    certain = np.eye(300, dtype=np.float32)[np.random.default_rng(1).permutation(300)] * 50
    one = score(InceptionScore(splits=2), certain)["is"]  # a class each: log IS is log N throughout
    assert one.interval is None
    assert "the bias is large" in one.notes[0]


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
