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

from ganeval.plan import derive_rng
from tests.parity.comparison import TOLERANCE, assert_same_features, in_joint_span

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


@pytest.fixture
def peer_rows(weights_path: Path) -> Callable[[Path, str], torch.Tensor]:
    """Fetch a layer as torchmetrics has it, from the network that its metrics load by default."""

    def load(folder: Path, layer: str) -> torch.Tensor:
        network = NoTrainInceptionV3("inception-v3-compat", [layer], str(weights_path))
        with torch.inference_mode():
            return torch.cat([network(picture) for picture in pictures(folder)])

    return load


def test_scores_of_pictures_of_mixed_sizes(
    write_folders: Callable[..., Any],
    score: Callable[..., Any],
    peer_rows: Callable[[Path, str], torch.Tensor],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folders = write_folders()
    sample, reference = (peer_rows(folder, "2048") for folder in folders)
    logits = peer_rows(folders.sample, "logits_unbiased")
    ours = score(folders, "torchmetrics", METRICS)
    assert_same_features(ours.sample["pool"], sample.numpy())
    assert_same_features(ours.reference["pool"], reference.numpy())
    assert_same_features(ours.sample["logits"], logits.numpy())
    assert ours.report["fid"].value == pytest.approx(_fid(sample, reference), rel=TOLERANCE)
    _give_our_draws(monkeypatch, "is")
    _assert_score(ours.report["is"], _inception_score(logits))
    _give_our_draws(monkeypatch, "kid")
    _assert_score(ours.report["kid"], _kid(sample, reference))


def test_fid_as_the_peer_prints_it(
    write_folders: Callable[..., Any], score: Callable[..., Any], weights_path: Path
) -> None:
    folders = write_folders()
    metric = FrechetInceptionDistance(feature_extractor_weights_path=str(weights_path))
    for folder in folders:
        for picture in pictures(folder):
            metric.update(picture, real=folder == folders.reference)
    ours = score(folders, "torchmetrics", ["fid"])
    assert ours.report["fid"].value == pytest.approx(metric.compute().item(), rel=TOLERANCE)


def _fid(sample: torch.Tensor, reference: torch.Tensor) -> float:
    """Return FID by torchmetrics' formula where it is exact."""
    sides = in_joint_span(sample.numpy(), reference.numpy())
    metric = FrechetInceptionDistance(Flat(sides[0].shape[1]))
    for side, real in zip(sides, (False, True), strict=True):
        metric.update(torch.from_numpy(side), real=real)
    return metric.compute().item()


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
    """Value and standard deviation agree."""
    assert ours.value == pytest.approx(theirs[0].item(), rel=TOLERANCE)
    assert ours.details["std"] == pytest.approx(theirs[1].item(), rel=TOLERANCE)
