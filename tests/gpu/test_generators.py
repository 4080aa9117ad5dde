"""A network on the device as a source of images."""

import copy
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

import ganeval as package
from tests.command import Command

pytestmark = pytest.mark.gpu

NUM = 40


class Noisy(nn.Module):
    """Adds noise of torch's own generator to what a network makes."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        images: torch.Tensor = self.network(latents)
        return (images + 0.1 * torch.randn_like(images)).clamp(-1, 1)


@pytest.fixture
def network() -> nn.Module:
    layers = nn.Sequential(
        nn.Unflatten(1, (16, 1, 1)),
        nn.ConvTranspose2d(16, 32, 4),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.ConvTranspose2d(32, 3, 4, stride=2, padding=1),
        nn.Tanh(),
    )
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for values in layers.parameters():
            values.normal_(std=0.3, generator=generator)
        layers[2].running_mean.normal_(generator=generator)
    return layers.train()


def pixels(source: object) -> npt.NDArray[np.uint8]:
    """Return all pictures of a source, uint8 [N, 3, H, W]."""
    opened = package.open_source(source, policy=package.Settings().decode)
    return np.stack([item.picture().pixels for item in opened.load(range(len(opened)))])


def test_samples_are_those_of_the_cpu_but_for_one_grey_level(
    network: nn.Module, device: str
) -> None:
    def source(module: nn.Module, place: str, batch_size: int) -> package.Generator:
        return package.Generator(
            module,
            latent_size=16,
            value_range=(-1, 1),
            num_images=NUM,
            device=place,
            batch_size=batch_size,
        )

    theirs = pixels(source(copy.deepcopy(network), "cpu", 5))
    network.to(device)
    state = copy.deepcopy(network.state_dict())
    ours, again = (pixels(source(network, device, 16)) for _ in range(2))
    np.testing.assert_array_equal(ours, again)
    assert np.abs(ours.astype(int) - theirs).max() <= 1
    assert ours.std() > 20
    assert all(part.training for part in network.modules())
    for name, values in network.state_dict().items():
        assert torch.equal(values, state[name]), name


def test_noise_comes_from_the_samples_seed_and_moves_no_generator(
    network: nn.Module, device: str
) -> None:
    source = package.Generator(
        Noisy(network).to(device),
        latent_size=16,
        value_range=(-1, 1),
        num_images=8,
        noise="random",
        device=device,
    )
    with torch.random.fork_rng():
        torch.manual_seed(3)
        expected = torch.rand(4, device=device)
        torch.manual_seed(3)
        ours = pixels(source)
        assert torch.equal(torch.rand(4, device=device), expected)
        torch.manual_seed(4)
        np.testing.assert_array_equal(pixels(source), ours)


def test_a_checkpoint_is_sampled_on_the_device(
    ganeval: Command, device: str, real: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    assert ganeval("train", "dcgan", "--steps", 1, "--device", device, "--out", out).code == 0
    text = f"generator:{out / 'dcgan.safetensors'},num_images={NUM},device="
    ours, theirs = (pixels(text + place) for place in (device, "cpu"))
    assert np.abs(ours.astype(int) - theirs).max() <= 1
    report = package.evaluate(
        sample=text + device,
        reference=real,
        metrics=["fid"],
        extractor="random",
        device=device,
    )
    folder = tmp_path / "samples"
    words = ("sample", out / "dcgan.safetensors", "-n", NUM, "-o", folder)
    assert ganeval(*words, "--device", device).code == 0
    written = package.evaluate(
        sample=folder, reference=real, metrics=["fid"], extractor="random", device="cpu"
    )
    assert report["fid"].value == pytest.approx(written["fid"].value, rel=1e-3)
