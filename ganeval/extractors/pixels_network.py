"""The squared error and the structural similarity of two pictures, in float64."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from scipy.ndimage import gaussian_filter

from ganeval.errors import InputError
from ganeval.extractors.base import ExtractorInfo

Pixels = npt.NDArray[np.float64]
"""[3, H, W] on the 0..255 scale."""

RADIUS = 5
"""The window of SSIM has 11 x 11 pixels."""


def mean_squared_error(one: Pixels, other: Pixels) -> float:
    """Return the mean of the squared difference over all pixels and channels, in levels squared.

    PSNR is `10 log10(255**2 / mse)`.
    """
    return float(np.mean(np.square(one - other)))


def squared_distance(one: Pixels, other: Pixels) -> float:
    """Return the sum of the squared difference over all pixels and channels, on the scale -1..1."""
    return float(np.sum(np.square((one - other) / 127.5)))


def structural_similarity(one: Pixels, other: Pixels) -> float:
    """Return the mean SSIM of Wang et al., "Image Quality Assessment" (2004), 1 for equal pictures.

    As in the paper: a Gaussian window of 11 x 11 pixels with sigma 1.5, weighted moments without a
    correction for the number of pixels, K1 = 0.01, K2 = 0.03, only windows that lie entirely
    inside. The mean is over all windows and the three channels. scikit-image computes the same by
    `structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
    data_range=255)`; its defaults differ (a flat window of 7 x 7).

    Raises:
        InputError: A side is shorter than the window.
    """
    height, width = one.shape[1:]
    if min(height, width) <= 2 * RADIUS:
        raise InputError(
            f"pictures of {width} x {height} pixels",
            f"at least {2 * RADIUS + 1} x {2 * RADIUS + 1} for ssim",
            "leave ssim out of the metrics (-m), or bring both sources to a larger size",
        )
    inside = (slice(None), slice(RADIUS, -RADIUS), slice(RADIUS, -RADIUS))
    blur = partial(gaussian_filter, sigma=(0, 1.5, 1.5), radius=(0, RADIUS, RADIUS))
    mean_one, mean_other = blur(one)[inside], blur(other)[inside]
    squares = blur(one * one + other * other)[inside]
    products = blur(one * other)[inside]
    luminance, contrast = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    squared_means = mean_one * mean_one + mean_other * mean_other
    product_of_means = mean_one * mean_other
    similarity = (2 * product_of_means + luminance) * (2 * (products - product_of_means) + contrast)
    similarity /= (squared_means + luminance) * (squares - squared_means + contrast)
    return float(np.mean(similarity))


MEASURES: Mapping[str, Callable[[Pixels, Pixels], float]] = {
    "psnr-mse": mean_squared_error,
    "ssim": structural_similarity,
    "distance": squared_distance,
}


class PixelsNetwork:
    """The measures above, in place of a network.

    They are computed in float64 on the CPU, whatever the precision and the device of the run. Each
    pair is computed by itself, so that other pairs cannot change its bits. The rows are float32
    like all features, with a relative error of at most 6e-8.
    """

    def __init__(self, info: ExtractorInfo) -> None:
        self.info = info

    def __call__(self, batch: torch.Tensor, layers: Sequence[str]) -> dict[str, torch.Tensor]:
        """Return the requested ones of `psnr-mse`, `ssim` and `distance`, each [N, 1].

        Args:
            batch: float32 [N, 2, 3, H, W] on the 0..255 scale.
            layers: Names of the layers to return.

        Raises:
            InputError: The pictures are too small for `ssim`.
        """
        pairs = batch.double().numpy()
        return {
            layer: torch.tensor(
                [[MEASURES[layer](one, other)] for one, other in pairs], dtype=torch.float32
            )
            for layer in layers
        }
