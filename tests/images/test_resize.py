"""Each resize against the package whose numbers it reproduces, bit for bit."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import PIL.Image
import pytest
import torch
from cleanfid.resize import make_resizer
from pytorch_fid.inception import InceptionV3
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torch_fidelity.interpolate_compat_tensorflow import (
    interpolate_bilinear_2d_like_tensorflow1x,
)
from torchmetrics.image.fid import NoTrainInceptionV3

from ganeval.errors import UsageError
from ganeval.images.picture import Picture
from ganeval.images.preparation import Preparation
from ganeval.images.resize import Resize, fit, resize

TF1 = Resize(size=299, backend="tf1", filter="bilinear", antialias=False)
TORCH = Resize(size=299, backend="torch", filter="bilinear", antialias=False)
TORCH_ANTIALIAS = Resize(size=299, backend="torch", filter="bilinear", antialias=True)
PIL_BICUBIC = Resize(size=299, backend="pil", filter="bicubic", antialias=True)
ALL = [TF1, TORCH, TORCH_ANTIALIAS, PIL_BICUBIC]

SIZES = [(33, 47), (64, 64), (300, 200), (517, 391), (299, 299), (8, 8), (700, 40), (40, 700)]
each_size = pytest.mark.parametrize("size", SIZES, ids=str)


def picture(size, seed=0):
    """Return uint8 [3, H, W]: half noise, half flat areas with edges."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (3, *size), dtype=np.uint8)
    pixels[:, :, : size[1] // 2] = np.where(pixels[:, :1, : size[1] // 2] > 127, 255, 0)
    return pixels


def batch(pixels):
    """Return two copies as a uint8 batch: peers resize batches."""
    return torch.from_numpy(np.stack([pixels, pixels]))


@each_size
@pytest.mark.parametrize("target", [299, 224, 64])
def test_tf1_is_torch_fidelity(size, target):
    pixels = picture(size)
    peer = interpolate_bilinear_2d_like_tensorflow1x(
        batch(pixels).float(), size=(target, target), align_corners=False
    )
    how = Resize(size=target, backend="tf1", filter="bilinear", antialias=False)
    assert torch.equal(resize(pixels, how), peer[1])


@each_size
@pytest.mark.filterwarnings("ignore:'mode' parameter:DeprecationWarning")
def test_pil_is_clean_fid(size):
    pixels = picture(size)
    peer = make_resizer("PIL", False, "bicubic", (299, 299))(pixels.transpose(1, 2, 0))
    ours = resize(pixels, PIL_BICUBIC)
    assert np.array_equal(ours.numpy().transpose(1, 2, 0), peer)


class FirstLayerReached(Exception):  # noqa: N818 (it is no error)
    """Carries what a peer's network hands to its first layer."""


def capture(images):
    raise FirstLayerReached(images)


def network_input(forward, network, images):
    """Run a peer's own forward pass up to its first layer, on a network without weights."""
    with pytest.raises(FirstLayerReached) as caught:
        forward(network, images)
    return caught.value.args[0]


@each_size
def test_the_input_of_torch_fidelitys_network(size):
    pixels = picture(size)
    network = SimpleNamespace(
        features_list=["64"],
        feature_extractor_internal_dtype=torch.float32,
        INPUT_IMAGE_SIZE=299,
        Conv2d_1a_3x3=capture,
    )
    forward = FeatureExtractorInceptionV3.forward
    peer = network_input(forward, network, batch(pixels))
    assert torch.equal(Preparation(resize=TF1, mean=128, std=128)(Picture(pixels)), peer[1])


@each_size
@pytest.mark.parametrize("antialias", [True, False])
def test_the_input_of_torchmetrics_network(size, antialias):
    pixels = picture(size)
    network = SimpleNamespace(
        features_list=["64"],
        use_antialias=antialias,
        INPUT_IMAGE_SIZE=299,
        Conv2d_1a_3x3=capture,
    )
    forward = NoTrainInceptionV3._torch_fidelity_forward
    peer = network_input(forward, network, batch(pixels))
    how = Preparation(resize=TORCH_ANTIALIAS if antialias else TF1, mean=128, std=128)
    assert torch.equal(how(Picture(pixels)), peer[1])


@each_size
def test_the_input_of_pytorch_fids_network_agrees_to_float_rounding(size):
    pixels = picture(size)
    network = SimpleNamespace(resize_input=True, normalize_input=True, blocks=[capture])
    peer = network_input(InceptionV3.forward, network, batch(pixels).float() / 255)
    ours = Preparation(resize=TORCH, mean=127.5, std=127.5)(Picture(pixels))
    assert (ours - peer[1]).abs().max() < 1e-6


def reference_tf1(pixels, size):
    """Interpolate in float64 by the definition, one pixel at a time."""
    _, height, width = pixels.shape
    result = np.empty((3, size, size))
    for row, column in np.ndindex(size, size):
        y, x = row * height / size, column * width / size
        top, left = int(y), int(x)
        bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
        block = pixels[:, [top, top, bottom, bottom], [left, right, left, right]].astype(float)
        dy, dx = y - top, x - left
        weights = [(1 - dy) * (1 - dx), (1 - dy) * dx, dy * (1 - dx), dy * dx]
        result[:, row, column] = block @ weights
    return result


@pytest.mark.parametrize("size", [(11, 17), (32, 32), (90, 100)])
def test_tf1_is_its_definition(size):
    how = Resize(size=32, backend="tf1", filter="bilinear", antialias=False)
    pixels = picture(size)
    # Where j * W / S is a whole number, float32 may fall on its other side, which changes nothing.
    assert np.abs(resize(pixels, how).numpy() - reference_tf1(pixels, 32)).max() < 2e-3


@pytest.mark.parametrize("how", ALL, ids=str)
def test_the_right_size_is_left_as_it_is(how):
    pixels = picture((299, 299))
    assert torch.equal(resize(pixels, how), torch.from_numpy(pixels).float())


@pytest.mark.parametrize("how", ALL, ids=str)
@each_size
def test_the_result_is_float32_in_range_and_new(how, size):
    pixels = picture(size)
    before = pixels.copy()
    pixels.flags.writeable = False
    result = resize(pixels, how)
    assert result.shape == (3, 299, 299)
    assert result.dtype == torch.float32
    assert result.is_contiguous()
    assert result.min() >= 0
    assert result.max() < 255.0001  # torch's weights add up to 1 but for rounding
    result.zero_()
    assert np.array_equal(pixels, before)
    assert resize(pixels, how).any()


@pytest.mark.parametrize(
    ("backend", "interpolation", "antialias"),
    [
        ("tf1", "bilinear", True),
        ("tf1", "bicubic", False),
        ("torch", "bicubic", True),
        ("pil", "bicubic", False),
        ("pil", "bilinear", True),
    ],
)
def test_other_combinations_are_refused(backend, interpolation, antialias):
    how = Resize(size=299, backend=backend, filter=interpolation, antialias=antialias)
    with pytest.raises(UsageError, match=f"no resize '{backend}' {interpolation} with"):
        resize(picture((8, 8)), how)


def test_threads_do_not_disturb_each_other():
    pictures = [picture((20 + 9 * index, 70 - 5 * index), seed=index) for index in range(8)]
    jobs = [(pixels, how) for pixels in pictures for how in ALL]
    alone = [resize(*job) for job in jobs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda job: resize(*job), jobs * 3))
    assert all(map(torch.equal, together, alone * 3))


@pytest.mark.parametrize("size", [(33, 47), (64, 64), (301, 200), (8, 9)])
@pytest.mark.parametrize("target", [8, 64])
def test_fit_is_pillows_bicubic(size, target):
    pixels = picture(size)
    whole = PIL.Image.fromarray(pixels.transpose(1, 2, 0).copy())
    bicubic = PIL.Image.Resampling.BICUBIC
    stretched = np.asarray(whole.resize((target, target), bicubic)).transpose(2, 0, 1)
    assert np.array_equal(fit(pixels, size=target, crop="none"), stretched)
    side = min(size)
    top, left = (size[0] - side) // 2, (size[1] - side) // 2
    square = whole.crop((left, top, left + side, top + side)).resize((target, target), bicubic)
    ours = fit(pixels, size=target, crop="center")
    assert np.array_equal(ours, np.asarray(square).transpose(2, 0, 1))
    assert ours.dtype == np.uint8
    assert ours.flags.c_contiguous


def test_fit_keeps_the_middle():
    pixels = np.zeros((3, 10, 31), np.uint8)
    pixels[:, :, 10:20] = 200
    assert (fit(pixels, size=10, crop="center") == 200).all()
    assert (fit(pixels.transpose(0, 2, 1), size=10, crop="center") == 200).all()
    own = fit(pixels[:, :, 10:20], size=10, crop="center")
    own[:] = 1
    assert pixels.max() == 200
