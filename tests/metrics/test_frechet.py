import numpy as np
import pytest
import torch
from cleanfid.fid import frechet_distance as cleanfid_distance
from pytorch_fid.fid_score import calculate_frechet_distance
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torchmetrics.image.fid import FrechetInceptionDistance

from ganeval.metrics.frechet import Fid
from ganeval.metrics.parts import frechet_error


class Flat(torch.nn.Module):
    """An extractor whose features are its input."""

    num_features = 64

    def forward(self, rows):
        return rows


def statistics(rows):
    rows = rows.astype(np.float64)
    return rows.mean(axis=0), np.cov(rows, rowvar=False)


@pytest.mark.filterwarnings("ignore:The `disp` argument is deprecated:DeprecationWarning")
def test_equals_pytorch_fid_and_clean_fid(score, features):
    sample, reference = features(300, 64, 1, 0.1), features(200, 64, 2)
    value = score(Fid(), sample, reference)["fid"].value
    arguments = (*statistics(sample), *statistics(reference))
    assert value == pytest.approx(calculate_frechet_distance(*arguments), rel=1e-10)
    assert value == pytest.approx(cleanfid_distance(*arguments), rel=1e-10)


def test_equals_torch_fidelity(score, features):
    # Its means are float32, which is what remains of a difference.
    sample, reference = features(300, 64, 3, 0.1), features(200, 64, 4)
    stats = [fid_features_to_statistics(torch.from_numpy(side)) for side in (sample, reference)]
    expected = fid_statistics_to_metric(*stats, verbose=False)["frechet_inception_distance"]
    assert score(Fid(), sample, reference)["fid"].value == pytest.approx(expected, rel=1e-7)


def test_equals_torchmetrics(score, features):
    sample, reference = features(300, 64, 5, 0.1), features(200, 64, 6)
    metric = FrechetInceptionDistance(Flat())
    metric.update(torch.from_numpy(sample).double(), real=False)
    metric.update(torch.from_numpy(reference).double(), real=True)
    expected = metric.compute().item()
    assert score(Fid(), sample, reference)["fid"].value == pytest.approx(expected, rel=1e-10)


def test_rows_and_moments_of_few_images_agree(score, features):
    sample, reference = features(30, 64, 7, 0.1), features(25, 64, 8)
    with_rows = score(Fid(), sample, reference)["fid"].value
    without = score(Fid(), sample, reference, keeps_rows=False)["fid"].value
    assert without == pytest.approx(with_rows, rel=1e-11)


def test_rows_are_asked_for_up_to_as_many_as_dimensions(score, features, monkeypatch):
    seen = []
    monkeypatch.setattr(
        frechet_error, "frechet_distance", lambda *args: seen.append(args[2:]) or 0.0
    )
    few, many = features(64, 64, 13), features(65, 64, 14)
    score(Fid(), few, many)
    score(Fid(), many, few)
    (first, none), (nothing, second) = seen
    assert none is None
    assert nothing is None
    for rows in (first, second):
        assert np.shares_memory(rows, few)
        assert rows.shape == few.shape


def test_the_same_images_are_at_exactly_zero(score, features):
    rows = features(30, 64, 9)
    assert score(Fid(), rows, rows.copy())["fid"].value == 0.0


def test_notes_say_what_is_unusual(score, features):
    few, many = features(64, 64, 10), features(65, 64, 11)
    note_few, note_interval = score(Fid(), few, many)["fid"].notes
    assert note_few.startswith("sample: 64 images for 64 dimensions")
    assert note_interval.startswith("no interval: ")
    constant = np.repeat(many[:1], 5, axis=0)
    note_constant, _ = score(Fid(), many, constant)["fid"].notes
    assert note_constant.startswith("reference: the 5 images have the same features")
    assert len(score(Fid(), many, features(70, 64, 12))["fid"].notes) == 1
