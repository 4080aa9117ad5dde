"""From picture files to torch-fidelity's scores under the protocol `torch-fidelity`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch_fidelity import calculate_metrics
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

from tests.parity.comparison import TOLERANCE, assert_same_features, in_joint_span

METRICS = ["fid", "is:splits=2", "kid:subset_size=6:num_subsets=20", "pr"]
PEER_METRICS = {
    "isc": True,
    "isc_splits": 2,
    "kid": True,
    "kid_subset_size": 6,
    "kid_subsets": 20,
    "prc": True,
}


@pytest.fixture
def peer(weights_path: Path, tmp_path: Path) -> Callable[..., dict[str, float]]:
    """Call torch-fidelity on the folders; it leaves its features in its cache."""

    def run(folders: Any, *, batch_size: int, **metrics: Any) -> dict[str, float]:
        return calculate_metrics(
            input1=str(folders.sample),
            input2=str(folders.reference),
            input1_cache_name="sample",
            input2_cache_name="reference",
            cache_root=str(tmp_path),
            cuda=False,
            batch_size=batch_size,
            feature_extractor="inception-v3-compat",
            feature_extractor_weights_path=str(weights_path),
            save_cpu_ram=True,
            verbose=False,
            **metrics,
        )

    return run


@pytest.fixture
def peer_rows(tmp_path: Path) -> Callable[[str, str], torch.Tensor]:
    """Fetch the features that torch-fidelity used."""

    def load(side: str, layer: str) -> torch.Tensor:
        return torch.load(tmp_path / f"{side}-inception-v3-compat-features-{layer}.pt")

    return load


def test_scores_of_pictures_of_mixed_sizes(
    write_folders: Callable[..., Any],
    score: Callable[..., Any],
    peer: Callable[..., dict[str, float]],
    peer_rows: Callable[[str, str], torch.Tensor],
) -> None:
    folders = write_folders()
    theirs = peer(folders, batch_size=1, **PEER_METRICS)
    ours = score(folders, "torch-fidelity", METRICS)
    for side, rows in (("sample", ours.sample), ("reference", ours.reference)):
        assert_same_features(rows["pool"], peer_rows(side, "2048").numpy())
        assert_same_features(rows["logits"], peer_rows(side, "logits_unbiased").numpy())
    exact = _peer_distance(peer_rows("sample", "2048"), peer_rows("reference", "2048"))
    report = ours.report
    assert report["fid"].value == pytest.approx(exact, rel=TOLERANCE)
    for name, tool in (("is", "inception_score"), ("kid", "kernel_inception_distance")):
        assert report[name].value == pytest.approx(theirs[f"{tool}_mean"], rel=TOLERANCE)
        assert report[name].details["std"] == pytest.approx(theirs[f"{tool}_std"], rel=TOLERANCE)
    for name in ("precision", "recall"):
        assert report[name].value == pytest.approx(theirs[name], rel=1e-7)  # its means are float32


def test_fid_as_the_peer_prints_it(
    write_folders: Callable[..., Any],
    score: Callable[..., Any],
    peer: Callable[..., dict[str, float]],
) -> None:
    folders = write_folders([(64, 64)])
    expected = peer(folders, batch_size=4, fid=True)["frechet_inception_distance"]
    ours = score(folders, "torch-fidelity", ["fid"])
    assert ours.report["fid"].value == pytest.approx(expected, rel=TOLERANCE)


def _peer_distance(sample: torch.Tensor, reference: torch.Tensor) -> float:
    """Return FID by torch-fidelity's formula where it is exact."""
    sides = in_joint_span(sample.numpy(), reference.numpy())
    statistics = [fid_features_to_statistics(torch.from_numpy(side)) for side in sides]
    return fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
