"""RealNVP: a generator that can be inverted, so that the density of its samples is known.

Dinh, Sohl-Dickstein and Bengio, "Density estimation using Real NVP", ICLR 2017. The flow is a chain
of coupling layers, and x has as many numbers as z. A layer leaves one half of the numbers, z1,
unchanged. From them it computes how the other half, z2, is scaled and shifted:

    x1 = z1,   x2 = z2 * exp(s(z1)) + t(z1)

The next layer swaps the halves. s and t are networks, but they need no inverse to invert a layer:
z2 = (x2 - t(x1)) * exp(-s(x1)). Its Jacobian dx/dz is triangular, so log |det dx/dz| is the sum of
all outputs of s, and the whole flow has the density

    log p(x) = log N(z; 0, I) - sum of log |det dx/dz| over all layers,   z = G^-1(x)

Differs from the paper: s and t are perceptrons and all layers see all pixels, where the paper has
residual networks on several scales. A last tanh layer brings pictures to their range.
"""

import math

import torch
from torch import nn

from reference_models.parts.perceptron import hidden_layers

_END = 256 / 255  # dequantised pictures reach half a byte's width beyond black and white


class Coupling(nn.Module):
    """One coupling layer: the numbers where `mask` is 1 determine how the others change."""

    mask: torch.Tensor

    def __init__(self, mask: torch.Tensor, *, width: int, depth: int, limit: float) -> None:
        """Build s and t as one perceptron; `limit` is the largest absolute value of s."""
        super().__init__()
        self.limit = limit
        self.register_buffer("mask", mask, persistent=False)
        sizes = [len(mask), *[width] * depth]
        self.hidden = nn.Sequential(*hidden_layers(sizes, nn.ReLU))
        self.output = nn.Linear(width, 2 * len(mask))

    def scale_and_shift(self, kept: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return s and t [B, D], both 0 where the mask is 1."""
        scale, shift = self.output(self.hidden(kept)).to(kept.dtype).chunk(2, dim=1)
        change = 1 - self.mask
        return change * self.limit * (scale / self.limit).tanh(), change * shift

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Return z scaled and shifted, [B, D]."""
        scale, shift = self.scale_and_shift(self.mask * z)
        return z * scale.exp() + shift

    def inverse(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the z that `forward` maps to x, and log |det dx/dz| [B] there."""
        scale, shift = self.scale_and_shift(self.mask * x)
        return (x - shift) * (-scale).exp(), scale.sum(dim=1)


class Flow(nn.Module):
    """A flow from latents to points or pictures with the same number of values."""

    def __init__(
        self, *, shape: tuple[int, ...], num_couplings: int, width: int, depth: int, limit: float
    ) -> None:
        """Build the couplings; they keep the black and the white chessboard squares in turn."""
        super().__init__()
        self.shape, self.latent_size = tuple(shape), math.prod(shape)
        places = torch.meshgrid(*(torch.arange(n) for n in shape), indexing="ij")
        white = (torch.stack(places).sum(dim=0) % 2).flatten().float()
        self.couplings = nn.ModuleList(
            Coupling(white if number % 2 else 1 - white, width=width, depth=depth, limit=limit)
            for number in range(num_couplings)
        )

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Return samples float32 [B, *shape] of latents [B, latent_size]."""
        for coupling in self.couplings:
            z = coupling(z)
        samples = z.reshape(len(z), *self.shape)
        return _END * (samples / 2).tanh() if len(self.shape) == 3 else samples

    def inverse(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the latents [B, latent_size] of samples, and log |det dx/dz| [B] there."""
        rest, total = x.flatten(1), torch.zeros(len(x), dtype=x.dtype, device=x.device)
        if len(self.shape) == 3:
            part = rest / _END
            rest = 2 * part.atanh()
            total = total + (_END * (1 - part.square()) / 2).log().sum(dim=1)
        for coupling in reversed(self.couplings):
            assert isinstance(coupling, Coupling)
            rest, log_det = coupling.inverse(rest)
            total = total + log_det
        return rest, total

    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        """Return log p(x) in nats, float32 [B]; -inf for pictures beyond their range.

        Args:
            x: float32 [B, *shape]; pictures must be dequantised.
        """
        inside = torch.ones(len(x), dtype=torch.bool, device=x.device)
        if len(self.shape) == 3:
            outside = x.abs() >= _END
            inside, x = ~outside.flatten(1).any(dim=1), x.masked_fill(outside, 0)
        z, log_det = self.inverse(x)
        log_prior = -0.5 * (z.square() + math.log(2 * math.pi)).sum(dim=1)
        return (log_prior - log_det).masked_fill(~inside, -math.inf)
