"""From picture files to torch-fidelity's scores under the protocol `torch-fidelity`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch_fidelity import calculate_metrics

from tests.parity.comparison import TOLERANCE, Rows, assert_same_features, exact_distance

METRICS = ["fid", "is:splits=2", "kid:subset_size=6:num_subsets=20", "pr"]
PEER_METRICS = {
    "fid": True,
    "isc": True,
    "isc_splits": 2,
    "kid": True,
    "kid_subset_size": 6,
    "kid_subsets": 20,
    "prc": True,
}


@pytest.fixture
def peer(weights_path: Path, tmp_path: Path) -> Callable[[Any], dict[str, float]]:
    """Call torch-fidelity on two folders; it leaves its features in its cache."""

    def run(folders: Any) -> dict[str, float]:
        return calculate_metrics(
            input1=str(folders.sample),
            input2=str(folders.reference),
            input1_cache_name="sample",
            input2_cache_name="reference",
            cache_root=str(tmp_path),
            cuda=False,
            batch_size=1,  # the pictures differ in size
            feature_extractor="inception-v3-compat",
            feature_extractor_weights_path=str(weights_path),
            save_cpu_ram=True,
            verbose=False,
            **PEER_METRICS,
        )

    return run


@pytest.fixture
def peer_rows(tmp_path: Path) -> Callable[[str, str], Rows]:
    """Fetch the features that torch-fidelity used."""

    def load(side: str, layer: str) -> Rows:
        return torch.load(tmp_path / f"{side}-inception-v3-compat-features-{layer}.pt").numpy()

    return load


def test_scores_of_pictures_of_mixed_sizes(
    write_folders: Callable[..., Any],
    score: Callable[..., Any],
    peer: Callable[[Any], dict[str, float]],
    peer_rows: Callable[[str, str], Rows],
) -> None:
    folders = write_folders()
    theirs = peer(folders)
    report, sample, reference = score(folders, "torch-fidelity", METRICS)
    for side, rows in (("sample", sample), ("reference", reference)):
        assert_same_features(rows["pool"], peer_rows(side, "2048"))
        assert_same_features(rows["logits"], peer_rows(side, "logits_unbiased"))
    exact = exact_distance(peer_rows("sample", "2048"), peer_rows("reference", "2048"))
    assert report["fid"].value == pytest.approx(exact, rel=TOLERANCE)
    expected = theirs["frechet_inception_distance"]
    assert report["fid"].value == pytest.approx(expected, rel=TOLERANCE)
    for name, tool in (("is", "inception_score"), ("kid", "kernel_inception_distance")):
        assert report[name].value == pytest.approx(theirs[f"{tool}_mean"], rel=TOLERANCE)
        assert report[name].details["std"] == pytest.approx(theirs[f"{tool}_std"], rel=TOLERANCE)
    for name in ("precision", "recall"):
        assert 0 < theirs[name] < 1
        assert report[name].value == pytest.approx(theirs[name], rel=1e-7)  # its means are float32
