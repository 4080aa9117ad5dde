"""One small generator as its author may have written it: other inputs, outputs and noise."""

from typing import Any, NamedTuple

import torch
from torch import nn

SIZE, CLASSES = 6, 5


class Plain(nn.Module):
    """Latents [B, 6] to [B, 3, 8, 8] in (-1, 1), with BatchNorm."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.norm = nn.Linear(SIZE, 3 * 8 * 8), nn.BatchNorm2d(3)

    def forward(self, z: torch.Tensor) -> Any:
        return torch.tanh(self.norm(self.layer(z).view(-1, 3, 8, 8)))


class Stretched(Plain):
    def __init__(self, scale: float = 2.5) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, z: torch.Tensor) -> Any:
        return self.scale * super().forward(z)


class Clamped(Stretched):
    def forward(self, z: torch.Tensor) -> Any:
        return super().forward(z).clamp(-1, 1)


class Noisy(Plain):
    def forward(self, z: torch.Tensor) -> Any:
        images = super().forward(z)
        return torch.tanh(images + 0.3 * torch.randn(len(z), 1, *images.shape[2:]))


class Indexed(Plain):
    def forward(self, z: torch.Tensor, labels: torch.Tensor) -> Any:
        return super().forward(z + labels[:, None].float() / CLASSES)


class LabelFirst(Indexed):
    def forward(self, labels: torch.Tensor, z: torch.Tensor) -> Any:
        return super().forward(z, labels)


class OneHot(Indexed):
    def forward(self, z: torch.Tensor, labels: torch.Tensor) -> Any:
        return super().forward(z, labels @ torch.arange(CLASSES, dtype=torch.float32))


class FloatLabel(Indexed):
    def forward(self, z: torch.Tensor, labels: torch.Tensor) -> Any:
        return super().forward(z, labels.squeeze(1))


class Styles(Plain):
    """The style of StyleGAN2 in PyTorch: a list of latents, and a second thing returned."""

    def forward(self, styles: list[torch.Tensor]) -> Any:
        mixed = torch.cat([styles[0][:, :3], styles[-1][:, 3:]], 1)
        return super().forward(mixed), None


class TwoLatents(Plain):
    def forward(self, z: torch.Tensor, more: torch.Tensor) -> Any:
        return super().forward(torch.cat([z[:, :4], more], 1))


class Named(NamedTuple):
    features: torch.Tensor
    sample: torch.Tensor


class Tuple(Plain):
    def forward(self, z: torch.Tensor) -> Any:
        return Named(z, super().forward(z))


class Dict(Plain):
    def forward(self, z: torch.Tensor) -> Any:
        return {"all": [super().forward(z), super().forward(z).mean(1, keepdim=True)], "z": z}


class Painter(nn.Module):
    """Pictures [B, 3, H, W] to pictures of that size."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, pictures: torch.Tensor) -> Any:
        return torch.tanh(self.layer(pictures))
