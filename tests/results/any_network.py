"""A generator that accepts any arguments, for settings of every kind."""

from typing import Any

import torch
from torch import nn


class Sound(nn.Module):
    """Latents [B, 8] to clips [B, 1600] in (-1, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 1600)

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        clips: torch.Tensor = torch.tanh(self.layer(latents))
        return clips


class Any16(nn.Module):
    """Latents [B, 8] or [B, 8, 1, 1], then labels or conditions, to [B, 3, 16, 16] in (-1, 1)."""

    def __init__(self, shift: float = 0.0, last: bool = False, twice: bool = False) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 3 * 16 * 16)
        self.shift, self.last, self.twice = shift, last, twice

    def forward(self, latents: torch.Tensor, *more: torch.Tensor) -> Any:
        rest = latents.flatten(1)[:, 8:].sum(1, keepdim=True)
        flat = torch.tanh(self.layer(latents.flatten(1)[:, :8]) + self.shift + rest)
        for one in more:
            flat = flat * torch.sigmoid(one.float().reshape(len(one), -1).mean(1, keepdim=True))
        images = flat.view(-1, 3, 16, 16)
        if self.twice:
            return images, -images
        return images.permute(0, 2, 3, 1) if self.last else images


class Other16(Any16):
    """The same under another name."""


class Pair(nn.Module):
    """Two of them; a generator's file may name one."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = Any16(), Any16()
