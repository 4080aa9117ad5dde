"""From picture files to clean-fid's FID and KID under the protocol `clean-fid`.

clean-fid's network is a TorchScript file to be downloaded; its place is taken by pytorch-fid's
network, which has the weights that both sides share.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cleanfid.fid import get_folder_features, kernel_distance
from pytorch_fid.inception import InceptionV3

from ganeval.flow.streams import derive_rng
from tests.parity.comparison import TOLERANCE, Rows, assert_same_features, exact_distance


@pytest.fixture
def network(weights_path: Path) -> Callable[[torch.Tensor], torch.Tensor]:
    """The network in the form that clean-fid takes: from floats of 0..255 to features."""
    layers = InceptionV3(resize_input=False, normalize_input=False).eval()

    def run(images: torch.Tensor) -> torch.Tensor:
        return layers((images - 128) / 128)[0][:, :, 0, 0]

    return run


@pytest.fixture
def peer_rows(network: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Path], Rows]:
    """Fetch the features that clean-fid has of a folder."""

    def load(folder: Path) -> Rows:
        return get_folder_features(
            str(folder),
            network,
            num_workers=0,
            batch_size=4,
            device=torch.device("cpu"),
            mode="clean",
            verbose=False,
        )

    return load


@pytest.mark.filterwarnings("ignore:'mode' parameter is deprecated:DeprecationWarning")
def test_scores_of_pictures_of_mixed_sizes(
    write_folders: Callable[..., Any],
    score: Callable[..., Any],
    peer_rows: Callable[[Path], Rows],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folders = write_folders()
    sample, reference = peer_rows(folders.sample), peer_rows(folders.reference)
    report, ours_sample, ours_reference = score(folders, "clean-fid", ["fid", "kid"])
    assert_same_features(ours_sample["pool"], sample)
    assert_same_features(ours_reference["pool"], reference)
    expected = exact_distance(sample, reference)
    assert report["fid"].value == pytest.approx(expected, rel=TOLERANCE)
    # The peer draws subsets from NumPy's global generator; here it gets our stream.
    monkeypatch.setattr(np.random, "choice", derive_rng(0, "metric/kid").choice)
    expected = kernel_distance(reference, sample)
    assert report["kid"].value == pytest.approx(expected, rel=TOLERANCE)
