"""Small networks under the names that real checkpoints have."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn


class Example(nn.Module):
    """The generator of PyTorch's DCGAN example, smaller: `main.0.weight`, ..., z [B, nz, 1, 1]."""

    def __init__(self, nz: int = 8, ngf: int = 4, nc: int = 3) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(nz, ngf * 2, 4, 1, 0, bias=False),
            nn.BatchNorm2d(ngf * 2),
            nn.ReLU(True),
            nn.ConvTranspose2d(ngf * 2, ngf, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ngf),
            nn.ReLU(True),
            nn.ConvTranspose2d(ngf, nc, 4, 2, 1, bias=False),
            nn.Tanh(),
        )

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.main(z)


class Warmed(Example):
    """The same, whose constructor has let it see a batch in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.train()(torch.randn(4, 8, 1, 1))


class DcganExample(nn.Module):
    """The generator of PyTorch's DCGAN example as it is, for 64 pixels: main.0, 1, 3, 4 ... 12.

    pytorch/examples, dcgan/main.py, class Generator; there nz=100, ngf=64, nc=3.
    """

    def __init__(self, nz: int = 100, ngf: int = 64, nc: int = 3) -> None:
        super().__init__()
        widths = [ngf * 8, ngf * 4, ngf * 2, ngf]
        layers: list[nn.Module] = []
        for number, (before, after) in enumerate(zip([nz, *widths], widths, strict=False)):
            stride, padding = (2, 1) if number else (1, 0)
            layers += [
                nn.ConvTranspose2d(before, after, 4, stride, padding, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(True),
            ]
        self.main = nn.Sequential(
            *layers, nn.ConvTranspose2d(ngf, nc, 4, 2, 1, bias=False), nn.Tanh()
        )

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.main(z)


class Conditional(nn.Module):
    def __init__(self, size: int = 8) -> None:
        super().__init__()
        self.embed = nn.Embedding(5, 6)
        self.layer = nn.Linear(6, size * size)
        self.size = size

    def forward(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        flat = torch.tanh(self.layer(z + self.embed(labels)))
        return flat.view(-1, 1, self.size, self.size)


class Trap:
    """Something that a pickle of it makes: opening it touches a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def seeded(network: nn.Module, seed: int = 0) -> nn.Module:
    """Fill a network with reproducible weights."""
    stream = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if value.is_floating_point() and not name.endswith("_var"):
                value.normal_(0, 0.3, generator=stream)
    return network


RECIPE = SimpleNamespace(
    exported={"generator": SimpleNamespace(entry="tests.generators.networks:Conditional")}
)
