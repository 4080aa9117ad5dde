"""Samples are the same whatever a training script has set in its process."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

import ganeval as package
from tests.pictures import blobs


class Watched(nn.Module):
    """A network of products and convolutions that notes how it is run."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(8, 64), nn.Unflatten(1, (4, 4, 4)), nn.ConvTranspose2d(4, 3, 4, 2, 1)
        )
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for values in self.layers.parameters():
                values.normal_(std=0.4, generator=generator)
        self.seen: list[tuple[object, ...]] = []
        self.threads: set[int] = set()

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        self.threads.add(threading.get_ident())
        backends = torch.backends
        self.seen.append(
            (
                torch.is_autocast_enabled("cpu"),
                torch.is_inference_mode_enabled(),
                torch.get_float32_matmul_precision(),
                backends.cudnn.conv.fp32_precision,
                backends.mkldnn.conv.fp32_precision,
                backends.cudnn.benchmark,
                backends.cudnn.deterministic,
                str(torch.zeros(1).device),
            )
        )
        return torch.tanh(self.layers(latents))


HOW = (False, True, "highest", "ieee", "ieee", False, True, "cpu")


@contextmanager
def switches() -> Iterator[None]:
    before, cudnn = torch.get_float32_matmul_precision(), torch.backends.cudnn
    kernels = cudnn.benchmark, cudnn.deterministic
    torch.set_float32_matmul_precision("medium")
    cudnn.benchmark, cudnn.deterministic = True, False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
        cudnn.benchmark, cudnn.deterministic = kernels


def autocast() -> AbstractContextManager[None]:
    context: AbstractContextManager[None] = torch.autocast("cpu", torch.bfloat16)
    return context


def default_device() -> AbstractContextManager[object]:
    return torch.device("meta")


def pixels(network: nn.Module, **options: object) -> npt.NDArray[np.uint8]:
    """Return the pictures of a network, uint8 [N, 3, H, W]."""
    source = package.Generator(
        network, latent_size=8, value_range=(-1, 1), num_images=20, **options
    )
    opened = package.open_source(source, policy=package.Settings().decode)
    return np.stack([item.picture().pixels for item in opened.load(range(len(opened)))])


SETTINGS = pytest.mark.parametrize("setting", [switches, autocast, default_device])
Setting = Callable[[], AbstractContextManager[object]]


@SETTINGS
def test_settings_of_a_training_script_change_no_pixel(setting: Setting) -> None:
    network = Watched()
    expected = pixels(network)
    with setting():
        np.testing.assert_array_equal(pixels(network), expected)
    assert set(network.seen) == {HOW}


@SETTINGS
def test_labels_and_noise_too(setting: Setting) -> None:
    class Labelled(Watched):
        def forward(self, latents: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            return (super().forward(latents) + 0.1 * labels[:, :1, None, None]).clamp(-1, 1)

    options = {"num_classes": 3, "label_form": "onehot", "noise": "random"}
    network = Labelled()
    expected = pixels(network, **options)
    with setting():
        np.testing.assert_array_equal(pixels(network, **options), expected)


@SETTINGS
def test_scores_of_a_network_in_memory_too(
    setting: Setting, tmp_path: Path, write_pictures: Callable[..., Path]
) -> None:
    real = write_pictures(tmp_path / "real", blobs(20, seed=3))
    network = Watched()

    def score() -> float:
        report = package.evaluate(
            sample=package.Generator(network, latent_size=8, value_range=(-1, 1), num_images=20),
            reference=real,
            metrics=["fid"],
            extractor="random",
            device="cpu",
            cache=False,
        )
        return report["fid"].value

    expected = score()
    with setting():
        assert score() == expected
    assert set(network.seen) == {HOW}
    assert len(network.threads) > 1  # the trial in this one, the samples in another
