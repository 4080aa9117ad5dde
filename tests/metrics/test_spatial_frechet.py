"""The Frechet distance in a spatial layer."""

import numpy as np
import numpy.typing as npt
import pytest
import torch

import ganeval
from ganeval.errors import InputError
from ganeval.extractors.base import ExtractorRequest, find_extractor
from ganeval.extractors.random import Random
from ganeval.images.picture import Picture
from tests.pictures import blobs

RUN = {"extractor": "random", "device": "cpu", "cache": False}


def spatial(pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """The network's own maps, flat."""
    request = ExtractorRequest()
    prepare = Random.describe(request).input
    batch = torch.stack([prepare(Picture(one.transpose(2, 0, 1))) for one in pictures])
    found = find_extractor("random").from_request(request)(batch, ["spatial", "pool"])
    return found["spatial"].double().numpy()


def test_it_is_the_literal_distance_of_the_spatial_features() -> None:
    sample, reference = blobs(400, seed=1, shift=9), blobs(300, seed=2)
    rows = spatial(sample), spatial(reference)
    assert rows[0].shape == (400, 252)
    one, other = (np.cov(side, rowvar=False) for side in rows)
    root = np.sqrt(np.linalg.eigvals(one @ other).real.clip(0)).sum()
    means = rows[0].mean(axis=0) - rows[1].mean(axis=0)
    expected = means @ means + np.trace(one + other) - 2 * root
    report = ganeval.evaluate(sample=sample, reference=reference, metrics=["sfid", "fid"], **RUN)
    assert report["sfid"].value == pytest.approx(expected, rel=1e-6)
    assert report["fid"].value != pytest.approx(expected, rel=0.05)


def test_it_sees_where_things_are() -> None:
    """Half of the pictures stand upside down."""
    pictures = blobs(60, seed=3)
    turned = np.concatenate([pictures[:30], pictures[30:, ::-1, ::-1]])
    report = ganeval.evaluate(sample=turned, reference=pictures, metrics=["sfid"], **RUN)
    same = ganeval.evaluate(sample=pictures, reference=pictures, metrics=["sfid"], **RUN)
    assert same["sfid"].value == pytest.approx(0, abs=1e-9)
    assert report["sfid"].value > 1e-3


def test_stored_statistics_of_pooled_features_do_not_serve(tmp_path: object) -> None:
    path = f"{tmp_path}/real.npz"
    np.savez(path, mu=np.zeros(64), sigma=np.eye(64))
    with pytest.raises(InputError, match="holds statistics, not images; needed: images, for sfid"):
        ganeval.evaluate(sample=blobs(9, seed=1), reference=path, metrics=["sfid"], **RUN)
