from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import skimage.data
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from skimage.util import random_noise
from sklearn.datasets import load_sample_image

from ganeval.errors import InputError, UsageError
from ganeval.extractors.base import Extractor, ExtractorRequest
from ganeval.extractors.pixels import Pixels
from ganeval.extractors.pixels_network import MEASURES
from ganeval.images.picture import Picture

Levels = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def pixels() -> Extractor:
    return Pixels.from_request(ExtractorRequest())


def measured(pixels: Extractor, one: Levels, other: Levels, layer: str) -> float:
    """Return a measure of two pictures [H, W, 3], as a run would compute it."""
    pair = tuple(Picture(picture.transpose(2, 0, 1)) for picture in (one, other))
    (row,) = pixels(pixels.info.input(pair)[None], [layer])[layer]
    return float(row)


def photographs() -> list[tuple[Levels, Levels]]:
    """Return pictures [H, W, 3] and damaged ones, photographs and noise."""
    rng = np.random.default_rng(0)
    sharp = [
        skimage.data.astronaut()[50:178, 100:260],
        load_sample_image("china.jpg")[::4, ::4],
        load_sample_image("flower.jpg")[101:112, 200:311],  # as high as the window
        rng.integers(0, 256, (37, 11, 3), dtype=np.uint8),
    ]
    damages: list[Callable[[Levels], Levels]] = [
        lambda picture: (255 * random_noise(picture, var=0.01, rng=1)).astype(np.uint8),
        lambda picture: np.roll(picture, 2, axis=1),
        lambda picture: rng.integers(0, 256, picture.shape, dtype=np.uint8),
        lambda picture: (picture // 2 + 40).astype(np.uint8),
    ]
    return [(picture, damage(picture)) for picture in sharp for damage in damages]


@pytest.mark.parametrize("pair", photographs())
def test_ssim_is_that_of_scikit_image(pixels: Extractor, pair: tuple[Levels, Levels]) -> None:
    theirs = structural_similarity(
        *pair,
        channel_axis=2,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    one, other = (picture.transpose(2, 0, 1).astype(np.float64) for picture in pair)
    assert MEASURES["ssim"](one, other) == pytest.approx(theirs, rel=1e-12, abs=1e-14)
    # A row of features is float32.
    assert measured(pixels, *pair, "ssim") == np.float32(MEASURES["ssim"](one, other))
    assert -1 <= measured(pixels, *pair, "ssim") < 1


def test_ssim_of_one_window_is_its_definition() -> None:
    rng = np.random.default_rng(1)
    one, other = rng.uniform(0, 255, (2, 3, 11, 11))
    bell = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    weights = np.outer(bell, bell) / bell.sum() ** 2
    values = []
    for x, y in zip(one, other, strict=True):
        mean_x, mean_y = (weights * x).sum(), (weights * y).sum()
        variance_x = (weights * (x - mean_x) ** 2).sum()
        variance_y = (weights * (y - mean_y) ** 2).sum()
        covariance = (weights * (x - mean_x) * (y - mean_y)).sum()
        values.append(
            (2 * mean_x * mean_y + 6.5025)
            * (2 * covariance + 58.5225)
            / ((mean_x**2 + mean_y**2 + 6.5025) * (variance_x + variance_y + 58.5225))
        )
    assert MEASURES["ssim"](one, other) == pytest.approx(np.mean(values), rel=1e-12)


@pytest.mark.parametrize("pair", photographs())
def test_psnr_is_that_of_scikit_image(pixels: Extractor, pair: tuple[Levels, Levels]) -> None:
    psnr = 10 * np.log10(255**2 / measured(pixels, *pair, "psnr-mse"))
    assert psnr == pytest.approx(peak_signal_noise_ratio(*pair, data_range=255), rel=1e-7)


def test_the_squared_error_of_whole_numbers_is_exact() -> None:
    one = np.zeros((3, 4, 5))
    other = np.arange(60.0).reshape(3, 4, 5)
    assert MEASURES["psnr-mse"](one, other) == sum(k * k for k in range(60)) / 60


def test_equal_pictures_have_no_error_and_a_similarity_of_one(pixels: Extractor) -> None:
    for picture, _ in photographs()[::4]:
        assert measured(pixels, picture, picture.copy(), "psnr-mse") == 0
        assert measured(pixels, picture, picture.copy(), "distance") == 0
        assert measured(pixels, picture, picture.copy(), "ssim") == 1


def test_the_squared_distance_is_on_the_scale_of_minus_one_to_one(pixels: Extractor) -> None:
    rng = np.random.default_rng(2)
    one, other = rng.uniform(-1, 1, (2, 3, 6, 7)).astype(np.float32)
    pair = tuple(Picture((x + 1) * np.float32(127.5)) for x in (one, other))
    (row,) = pixels(pixels.info.input(pair)[None], ["distance"])["distance"]
    expected = np.square(one.astype(np.float64) - other).sum()
    assert float(row) == pytest.approx(expected, rel=1e-6)
    assert expected > 1


def test_the_order_of_two_pictures_does_not_matter(pixels: Extractor) -> None:
    for one, other in photographs()[:6]:
        for layer in pixels.info.layers:
            assert measured(pixels, one, other, layer) == measured(pixels, other, one, layer)


def test_other_pairs_of_a_batch_do_not_matter(pixels: Extractor) -> None:
    levels = torch.randint(0, 256, (5, 2, 3, 20, 30), generator=torch.Generator().manual_seed(0))
    layers = tuple(pixels.info.layers)
    together = pixels(levels.float(), layers)
    for at, pair in enumerate(levels.float()):
        alone = pixels(pair[None], layers)
        assert all(torch.equal(alone[layer][0], together[layer][at]) for layer in layers)


def test_pictures_of_two_sizes_are_no_pair(pixels: Extractor) -> None:
    one, other = (Picture(np.zeros((3, *size), np.uint8)) for size in ((48, 64), (48, 32)))
    with pytest.raises(InputError, match=r"^a picture of 64 x 48 pixels and one of 32 x 48; "):
        pixels.info.input((one, other))


def test_a_picture_smaller_than_the_window_has_no_ssim(pixels: Extractor) -> None:
    small = torch.zeros(1, 2, 3, 10, 30)
    with pytest.raises(
        InputError, match=r"^pictures of 30 x 10 pixels; needed: at least 11 x 11 for ssim"
    ):
        pixels(small, ["ssim"])
    assert pixels(small, ["psnr-mse"])["psnr-mse"].item() == 0


def test_weights_are_bad_usage() -> None:
    with pytest.raises(UsageError, match="no --weights, since pixels has none"):
        Pixels.describe(ExtractorRequest(weights_path=Path("mine.pt")))
