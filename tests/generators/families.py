"""Small networks under the names of mimicry, BigGAN, StyleGAN2 and its ADA version."""

import torch
import torch.nn.functional as F
from torch import nn


class MimicrySN(nn.Conv2d):
    """mimicry's SNConv2d: `weight`, `sn_u` [1, out], `sn_sigma` [1]."""

    def __init__(self, *sizes: int, **options: int) -> None:
        super().__init__(*sizes, **options)  # type: ignore[arg-type]
        self.register_buffer("sn_u", torch.randn(1, self.out_channels))
        self.register_buffer("sn_sigma", torch.ones(1))


class MimicryBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.c1 = MimicrySN(width, width, 3, padding=1)
        self.b1 = nn.BatchNorm2d(width)
        self.c_sc = MimicrySN(width, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.interpolate(x, scale_factor=2)
        return self.c_sc(x) + self.c1(F.relu(self.b1(x)))


class Mimicry(nn.Module):
    """`l1.weight`, `block1.c1.weight`, `block1.c1.sn_u`, `block1.b1.running_mean`, `c5.weight`."""

    def __init__(self) -> None:
        super().__init__()
        self.l1 = nn.Linear(8, 4 * 16)
        self.block1, self.block2 = MimicryBlock(4), MimicryBlock(4)
        self.c5 = nn.Conv2d(4, 3, 3, padding=1)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        x = self.block2(self.block1(self.l1(z).view(-1, 4, 4, 4)))
        return torch.tanh(self.c5(x))


class BigGanConv(nn.Conv2d):
    """BigGAN's SNConv2d: `weight`, `u0` [1, out], `sv0` [1]."""

    def __init__(self, *sizes: int, **options: int) -> None:
        super().__init__(*sizes, **options)  # type: ignore[arg-type]
        self.register_buffer("u0", torch.randn(1, self.out_channels))
        self.register_buffer("sv0", torch.ones(1))


class BigGanNorm(nn.Module):
    """BigGAN's ccbn: `gain.weight`, `bias.weight`, and its own `stored_mean`, `stored_var`."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain, self.bias = nn.Linear(8, width, bias=False), nn.Linear(8, width, bias=False)
        self.register_buffer("stored_mean", torch.zeros(width))
        self.register_buffer("stored_var", torch.ones(width))

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        x = F.batch_norm(x, self.stored_mean, self.stored_var)  # type: ignore[arg-type]
        return x * (1 + self.gain(y))[..., None, None] + self.bias(y)[..., None, None]


class BigGanBlock(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = BigGanConv(4, 4, 3, padding=1)
        self.bn1 = BigGanNorm(4)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self.conv1(F.relu(self.bn1(F.interpolate(x, scale_factor=2), y)))


class BigGan(nn.Module):
    """`shared.weight`, `linear.weight`, `blocks.0.0.conv1.weight`, `output_layer.1.weight`."""

    def __init__(self) -> None:
        super().__init__()
        self.shared, self.linear = nn.Linear(8, 8), nn.Linear(8, 64)
        self.blocks = nn.ModuleList([nn.ModuleList([BigGanBlock()]) for _ in range(2)])
        self.output_layer = nn.Sequential(nn.BatchNorm2d(4), BigGanConv(4, 3, 3, padding=1))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        x = self.linear(z).view(-1, 4, 4, 4)
        for group in self.blocks:
            for block in group:  # type: ignore[attr-defined]
                x = block(x, self.shared(z))
        return torch.tanh(self.output_layer(x))


class Styled(nn.Module):
    """rosinality's StyledConv: `conv.weight`, `noise.weight`, `activate.bias`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.noise, self.activate = nn.Module(), nn.Module(), nn.Module()
        self.conv.weight = nn.Parameter(torch.randn(1, 4, 4, 3, 3))
        self.conv.modulation = nn.Linear(8, 4)
        self.noise.weight = nn.Parameter(torch.zeros(1))
        self.activate.bias = nn.Parameter(torch.zeros(4))


class StyleGan2(nn.Module):
    """rosinality: `style.1.weight`, `input.input`, `conv1.conv.weight`, `noises.noise_0`."""

    def __init__(self, with_noises: bool = True) -> None:
        super().__init__()
        self.style = nn.Sequential(nn.Identity(), nn.Linear(8, 8), nn.Linear(8, 8))
        self.input = nn.Module()
        self.input.input = nn.Parameter(torch.randn(1, 4, 8, 8))
        self.conv1 = Styled()
        self.convs = nn.ModuleList([Styled(), Styled()])
        self.to_rgbs = nn.ModuleList([nn.Conv2d(4, 3, 1), nn.Conv2d(4, 3, 1)])
        self.noises = nn.Module()
        for number in range(3 if with_noises else 0):
            self.noises.register_buffer(f"noise_{number}", torch.randn(1, 1, 8, 8))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        w = self.style(z)
        x = self.input.input.expand(len(z), -1, -1, -1)  # type: ignore[union-attr, operator]
        for layer in (self.conv1, *self.convs):
            x = x * layer.conv.modulation(w)[..., None, None]  # type: ignore[union-attr, operator]
            x = F.leaky_relu(F.conv2d(x, layer.conv.weight[0], padding=1), 0.2)  # type: ignore[union-attr, index]
        return torch.tanh(sum(to_rgb(x) for to_rgb in self.to_rgbs))  # type: ignore[arg-type]


class AdaBlock(nn.Module):
    def __init__(self, first: bool) -> None:
        super().__init__()
        if first:
            self.const = nn.Parameter(torch.randn(4, 8, 8))
        self.register_buffer("resample_filter", torch.ones(4, 4) / 16)
        self.conv1 = nn.Conv2d(4, 4, 3, padding=1)
        self.conv1.affine = nn.Linear(8, 4)
        self.conv1.register_buffer("noise_const", torch.randn(8, 8))
        self.torgb = nn.Conv2d(4, 3, 1)


class StyleGan2Ada(nn.Module):
    """NVlabs' ADA: `synthesis.b4.const`, `synthesis.b8.conv1.noise_const`, `mapping.w_avg`."""

    def __init__(self) -> None:
        super().__init__()
        self.mapping, self.synthesis = nn.Module(), nn.Module()
        self.mapping.fc0, self.mapping.fc1 = nn.Linear(8, 8), nn.Linear(8, 8)
        self.mapping.register_buffer("w_avg", torch.zeros(8))
        self.synthesis.b4, self.synthesis.b8 = AdaBlock(first=True), AdaBlock(first=False)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        w = self.mapping.fc1(F.relu(self.mapping.fc0(z)))  # type: ignore[union-attr, operator]
        x = self.synthesis.b4.const.expand(len(z), -1, -1, -1)  # type: ignore[union-attr, operator]
        for block in (self.synthesis.b4, self.synthesis.b8):  # type: ignore[union-attr]
            x = F.relu(block.conv1(x * block.conv1.affine(w)[..., None, None]))  # type: ignore[union-attr, operator]
        return torch.tanh(self.synthesis.b8.torgb(x))  # type: ignore[union-attr, operator]


class AutoEncoder(nn.Module):
    """A larger network of which a part makes images."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Linear(192, 8), Mimicry()
