"""From picture files to pytorch-fid's FID under the protocol `pytorch-fid`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytorch_fid.fid_score import calculate_fid_given_paths, get_activations
from pytorch_fid.inception import InceptionV3

from tests.parity.comparison import TOLERANCE, Rows, assert_same_features, exact_distance


@pytest.fixture
def peer_rows(weights_path: Path) -> Callable[[Path], Rows]:
    """Fetch the features that pytorch-fid has of a folder, with its settings for FID."""
    network = InceptionV3([InceptionV3.BLOCK_INDEX_BY_DIM[2048]])

    def load(folder: Path) -> Rows:
        return get_activations(sorted(folder.iterdir()), network, batch_size=1, num_workers=0)

    return load


def test_fid_of_pictures_of_mixed_sizes(
    write_folders: Callable[..., Any],
    score: Callable[..., Any],
    peer_rows: Callable[[Path], Rows],
) -> None:
    folders = write_folders()
    sample, reference = peer_rows(folders.sample), peer_rows(folders.reference)
    report, ours_sample, ours_reference = score(folders, "pytorch-fid", ["fid"])
    assert_same_features(ours_sample["pool"], sample)
    assert_same_features(ours_reference["pool"], reference)
    expected = exact_distance(sample, reference)
    assert report["fid"].value == pytest.approx(expected, rel=TOLERANCE)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The `disp` argument is deprecated:DeprecationWarning")
def test_fid_as_the_peer_prints_it(
    write_folders: Callable[..., Any], score: Callable[..., Any], weights_path: Path
) -> None:
    folders = write_folders([(64, 64)])
    expected = calculate_fid_given_paths(
        [str(folders.reference), str(folders.sample)],
        batch_size=4,
        device="cpu",
        dims=2048,
        num_workers=0,
    )
    ours = score(folders, "pytorch-fid", ["fid"])
    assert ours.report["fid"].value == pytest.approx(expected, rel=TOLERANCE)
