"""What the numbers mean, on real pictures under the network that everybody has."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage
from sklearn.datasets import load_sample_images

import ganeval
from ganeval.sources.arrays.datasets import digits

NETWORK = {"extractor": "efficientnet-lite0", "device": "cpu"}
Pixels = npt.NDArray[np.uint8]


def crops(photo: Pixels, num: int, seed: int) -> Pixels:
    """Return square crops of a photograph at random places, uint8 [num, 96, 96, 3]."""
    rng = np.random.default_rng(seed)
    tops = rng.integers(0, photo.shape[0] - 96, num)
    lefts = rng.integers(0, photo.shape[1] - 96, num)
    return np.stack([photo[y : y + 96, x : x + 96] for y, x in zip(tops, lefts, strict=True)])


@pytest.fixture(scope="module")
def photographs() -> tuple[Pixels, Pixels]:
    """Reference and sample: other crops of the same two photographs."""
    photos = load_sample_images().images
    reference, sample = (
        np.concatenate([crops(photo, 30, seed=seed) for photo in photos]) for seed in (0, 1)
    )
    return reference, sample


def fid(sample: Pixels, reference: Pixels) -> float:
    report = ganeval.evaluate(sample=sample, reference=reference, metrics=["fid"], **NETWORK)
    return report["fid"].value


def test_fid_grows_with_every_step_of_noise(photographs: tuple[Pixels, Pixels]) -> None:
    reference, sample = photographs
    noise = np.random.default_rng(2).normal(size=sample.shape)
    scores = [
        fid(np.clip(np.rint(sample + step * noise), 0, 255).astype(np.uint8), reference)
        for step in (0, 10, 20, 40)
    ]
    assert scores == sorted(scores)
    assert scores[-1] > 2 * scores[0]


def test_fid_grows_with_every_step_of_blur(photographs: tuple[Pixels, Pixels]) -> None:
    reference, sample = photographs
    scores = [
        fid(ndimage.gaussian_filter(sample, (0, step, step, 0)), reference)
        for step in (0.0, 1.0, 2.0, 4.0)
    ]
    assert scores == sorted(scores)
    assert scores[-1] > 2 * scores[0]


def test_missing_classes_and_repeated_pictures_cost_recall_and_not_precision() -> None:
    training, _ = digits("train")
    test, classes = digits("test")
    samples = {
        "all": test[::4],
        "half of the classes": test[classes < 5][::2],
        "few pictures": np.resize(test[::60], (90, 8, 8)),
    }
    report = ganeval.compare(
        samples=[
            ganeval.Images(pictures[:, None], name=name) for name, pictures in samples.items()
        ],
        reference=training[::5, None],
        metrics=["pr", "dc"],
        **NETWORK,
    )
    whole, half, few = (
        {name: report[sample, name].value for name in ("precision", "recall", "coverage")}
        for sample in samples
    )
    assert half["precision"] > whole["precision"] - 0.05
    assert half["recall"] < whole["recall"] - 0.1
    assert few["recall"] < 0.1
    assert few["coverage"] < half["coverage"] < whole["coverage"]
