import numpy as np
import PIL.Image
import pytest
import torch
from torchvision.transforms import v2

from ganeval.images.picture import Picture
from ganeval.images.preparation import Preparation
from ganeval.images.resize import Resize
from ganeval.metrics.protocols import PROTOCOLS

TF1 = Resize(size=32, backend="tf1", filter="bilinear", antialias=False)
TORCH = Resize(size=32, backend="torch", filter="bilinear", antialias=True)
PIL_BICUBIC = Resize(size=32, backend="pil", filter="bicubic", antialias=True)
CLIP_MEAN = (122.77, 116.75, 104.09)
CLIP_STD = (68.5, 66.63, 70.32)
SIZES = [(33, 47), (64, 64), (47, 33), (32, 32), (20, 61), (101, 35), (35, 102), (32, 35), (39, 32)]


def picture(size: tuple[int, int], seed: int = 0) -> Picture:
    return Picture(np.random.default_rng(seed).integers(0, 256, (3, *size), dtype=np.uint8))


@pytest.mark.parametrize("resize", [TF1, TORCH, PIL_BICUBIC], ids=str)
def test_each_channel_has_its_own_mean_and_std(resize: Resize) -> None:
    pixels = picture((40, 50))
    together = Preparation(resize=resize, mean=CLIP_MEAN, std=CLIP_STD)(pixels)
    for channel, mean, std in zip(range(3), CLIP_MEAN, CLIP_STD, strict=True):
        alone = Preparation(resize=resize, mean=mean, std=std)(pixels)
        assert torch.equal(together[channel], alone[channel])
        plain = Preparation(resize=resize, mean=0.0, std=1.0)(pixels)
        assert torch.equal(alone, (plain - mean) / std)
    assert together.dtype == torch.float32
    assert together.is_contiguous()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_crop_is_that_of_torchvision(size: tuple[int, int]) -> None:
    pixels = picture(size).pixels
    peer = v2.Compose([v2.Resize(32, v2.InterpolationMode.BICUBIC), v2.CenterCrop(32)])
    channels = [np.asarray(peer(PIL.Image.fromarray(one.astype(np.float32)))) for one in pixels]
    how = Preparation(resize=PIL_BICUBIC, crop="center", mean=0.0, std=1.0)
    ours = how(Picture(pixels))
    assert torch.equal(ours, torch.from_numpy(np.stack(channels)).clamp(0, 255))
    assert ours.is_contiguous()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_crop_of_torchs_resize_is_that_of_torchvision(size: tuple[int, int]) -> None:
    pixels = picture(size)
    peer = v2.Compose([v2.Resize(32, antialias=True), v2.CenterCrop(32)])
    expected = peer(torch.from_numpy(pixels.pixels).float())
    ours = Preparation(resize=TORCH, crop="center", mean=0.0, std=1.0)(pixels)
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("crop", ["none", "center"])
@pytest.mark.parametrize("resize", [TF1, TORCH, PIL_BICUBIC], ids=str)
def test_floats_of_whole_numbers_give_the_same_bits(resize: Resize, crop: str) -> None:
    how = Preparation(resize=resize, crop=crop, mean=CLIP_MEAN, std=CLIP_STD)  # type: ignore[arg-type]
    whole = picture((70, 45)).pixels
    floats = Picture(whole.astype(np.float32))  # type: ignore[arg-type]
    assert torch.equal(how(Picture(whole)), how(floats))
    between = Picture(floats.pixels + np.float32(0.25))
    assert (how(between) != how(floats)).any()
    assert np.array_equal(floats.pixels, whole)


def test_what_files_say_of_a_protocol_stays() -> None:
    # Reports, baselines and stored statistics of older versions compare with these values.
    assert {name: protocol.preprocess.to_json() for name, protocol in PROTOCOLS.items()} == {
        name: {
            "resize": {
                **{"size": 299, "backend": backend, "filter": kernel},
                **{"antialias": antialias, "quantise": False},
            },
            "mean": mean,
            "std": mean,
        }
        for name, backend, kernel, antialias, mean in (
            ("standard", "tf1", "bilinear", False, 128.0),
            ("torch-fidelity", "tf1", "bilinear", False, 128.0),
            ("pytorch-fid", "torch", "bilinear", False, 127.5),
            ("clean-fid", "pil", "bicubic", True, 128.0),
            ("torchmetrics", "torch", "bilinear", True, 128.0),
            ("google-fad", "tf1", "bilinear", False, 128.0),
            ("frechet-audio-distance", "tf1", "bilinear", False, 128.0),
            ("fadtk", "tf1", "bilinear", False, 128.0),
        )
    }


def test_what_departs_from_them_is_said() -> None:
    said = Preparation(resize=TF1, crop="center", mean=CLIP_MEAN, std=1.0).to_json()
    assert said["crop"] == "center"
    assert said["mean"] == list(CLIP_MEAN)
    assert said["std"] == 1.0
