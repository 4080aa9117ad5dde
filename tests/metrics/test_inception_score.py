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
    needs = InceptionScore(splits=7, layer="logits_biased").needs
    assert (needs.layer, needs.minimum, needs.why) == ("logits_biased", 7, "7 splits")
    assert needs.roles == ("sample",)


@pytest.mark.parametrize("options", [{"splits": 0}, {"std_ddof": 2}, {"std_ddof": -1}])
def test_senseless_options_are_refused(options):
    with pytest.raises(UsageError):
        InceptionScore(**options)
