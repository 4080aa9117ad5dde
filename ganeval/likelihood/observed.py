"""The observation model: a picture is the decoder's image for a latent, plus Gaussian noise."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

Decode = Callable[[torch.Tensor], torch.Tensor]
"""Maps standard normal numbers [B, k] to means of pictures [B, D]; differentiable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Pictures under p(x | u) = N(x; decode(u), variance I), u standard normal.

    Attributes:
        decode: The decoder.
        latent_size: Number k of values in a latent.
        x: Pictures, floating point [N, D], on the device of the decoder.
        variance: Variance of the noise, one for each picture, [N].
        batch_size: Largest number of latents that the decoder sees at once.
    """

    decode: Decode
    latent_size: int
    x: torch.Tensor
    variance: torch.Tensor
    batch_size: int

    def likelihood(self, u: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return log p(x | u) [N, C] and its gradient [N, C, k] for C latents of each picture.

        Args:
            u: Standard normal numbers [N, C, k].
        """
        num, chains, size = u.shape
        of = torch.arange(num, device=u.device).repeat_interleave(chains)
        values, gradients = [], []
        rows = u.reshape(-1, size)
        for start in range(0, len(rows), self.batch_size):
            part = slice(start, start + self.batch_size)
            at = rows[part].detach().requires_grad_()
            value = self._log_density(self.decode(at), of[part])
            (gradient,) = torch.autograd.grad(value.sum(), at)
            values.append(value.detach())
            gradients.append(gradient)
        return torch.cat(values).reshape(num, chains), torch.cat(gradients).reshape(u.shape)

    def _log_density(self, means: torch.Tensor, of: torch.Tensor) -> torch.Tensor:
        """Return log N(x; mean, variance I) of the pictures with numbers `of`."""
        variance = self.variance[of]
        errors = (self.x[of] - means).square().sum(dim=1)
        dimensions = self.x.shape[1]
        return -errors / (2 * variance) - dimensions / 2 * (2 * math.pi * variance).log()
