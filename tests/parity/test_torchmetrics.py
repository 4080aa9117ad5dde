"""From picture files to torchmetrics' scores under the protocol `torchmetrics`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from torchmetrics.image.fid import FrechetInceptionDistance, NoTrainInceptionV3
from torchmetrics.image.inception import InceptionScore
from torchmetrics.image.kid import KernelInceptionDistance

from ganeval.flow.streams import derive_rng
from tests.parity.comparison import TOLERANCE, assert_same_features, exact_distance

METRICS = ["fid", "is:splits=2", "kid:subset_size=6:num_subsets=20"]

pytestmark = pytest.mark.filterwarnings("ignore:Metric `.*` will save all extracted:UserWarning")


class Flat(torch.nn.Module):
    """An extractor whose features are its input."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return rows


def pictures(folder: Path) -> list[torch.Tensor]:
    """Read a folder as batches of one, uint8 [1, 3, H, W]: torchmetrics reads no files."""
    images = [PIL.Image.open(path).convert("RGB") for path in sorted(folder.iterdir())]
    return [torch.from_numpy(np.array(image)).permute(2, 0, 1)[None] for image in images]


def test_scores_of_pictures_of_mixed_sizes(
    write_folders: Callable[..., Any],
    score: Callable[..., Any],
    weights_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folders = write_folders()
    fid, sample, reference = _fid(folders, weights_path)
    logits = _logits(folders.sample, weights_path)
    report, ours_sample, ours_reference = score(folders, "torchmetrics", METRICS)
    assert_same_features(ours_sample["pool"], sample.numpy())
    assert_same_features(ours_reference["pool"], reference.numpy())
    assert_same_features(ours_sample["logits"], logits.numpy())
    exact = exact_distance(sample.numpy(), reference.numpy())
    assert report["fid"].value == pytest.approx(exact, rel=TOLERANCE)
    assert report["fid"].value == pytest.approx(fid, rel=TOLERANCE)
    _give_our_draws(monkeypatch, "is")
    _assert_score(report["is"], _inception_score(logits))
    _give_our_draws(monkeypatch, "kid")
    _assert_score(report["kid"], _kid(sample, reference))


def _fid(folders: Any, weights_path: Path) -> tuple[float, torch.Tensor, torch.Tensor]:
    """Return torchmetrics' FID, and the features that its network returned for it."""
    metric = FrechetInceptionDistance(feature_extractor_weights_path=str(weights_path))
    rows: list[torch.Tensor] = []
    metric.inception.register_forward_hook(lambda network, inputs, output: rows.append(output))
    for folder in folders:
        for picture in pictures(folder):
            metric.update(picture, real=folder == folders.reference)
    num_sample = len(pictures(folders.sample))
    return metric.compute().item(), torch.cat(rows[:num_sample]), torch.cat(rows[num_sample:])


def _logits(folder: Path, weights_path: Path) -> torch.Tensor:
    """Return the logits of the network that torchmetrics' Inception Score loads by default."""
    network = NoTrainInceptionV3("inception-v3-compat", ["logits_unbiased"], str(weights_path))
    with torch.inference_mode():
        return torch.cat([network(picture) for picture in pictures(folder)])


def _inception_score(logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return torchmetrics' Inception Score and its standard deviation."""
    metric = InceptionScore(Flat(1008), splits=2)
    metric.update(logits)
    return metric.compute()


def _kid(sample: torch.Tensor, reference: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return torchmetrics' KID and its standard deviation."""
    metric = KernelInceptionDistance(Flat(2048), subsets=20, subset_size=6)
    metric.update(sample, real=False)
    metric.update(reference, real=True)
    return metric.compute()


def _give_our_draws(monkeypatch: pytest.MonkeyPatch, metric: str) -> None:
    """Let torchmetrics, which draws from torch's global generator, draw from our stream."""
    stream = derive_rng(0, f"metric/{metric}")
    draw = {"is": stream.permutation, "kid": lambda num: stream.choice(num, 6, replace=False)}
    monkeypatch.setattr(torch, "randperm", lambda num: torch.from_numpy(draw[metric](num)))


def _assert_score(ours: Any, theirs: tuple[torch.Tensor, torch.Tensor]) -> None:
    """Value and standard deviation agree, as well as float32 scores can: relative to the value."""
    value, std = (number.item() for number in theirs)
    assert ours.value == pytest.approx(value, rel=TOLERANCE)
    assert ours.details["std"] == pytest.approx(std, rel=0, abs=TOLERANCE * abs(value))
