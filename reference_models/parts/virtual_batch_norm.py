"""Virtual batch normalization: BatchNorm in which a sample does not depend on its batch.

Salimans et al., "Improved Techniques for Training GANs", NeurIPS 2016, section 3.5. A reference
batch is chosen once. It is normalised by its own statistics. Every other sample is normalised by
the statistics of the reference batch with the sample added as one more row. The paper uses this
only in the generator, because every pass computes the reference batch too.

The statistics of the n + 1 rows are computed from the statistics of the reference batch (mean m and
variance v over rows and places) and of the sample x (m_x and v_x over places). With
w = 1 / (n + 1):

    mean = w m_x + (1 - w) m
    variance = w (v_x + (m_x - mean)^2) + (1 - w) (v + (m - mean)^2)
"""

import torch
from torch import nn

import ganeval


class VirtualBatchNorm(nn.Module):
    """Normalises maps; their first rows are the reference batch."""

    def __init__(self, norm: nn.BatchNorm2d, num_reference: int) -> None:
        """Take over the scale and shift of a BatchNorm.

        Args:
            norm: The layer that this one replaces.
            num_reference: Number of rows of the reference batch.
        """
        super().__init__()
        self.weight, self.bias, self.eps = norm.weight, norm.bias, norm.eps
        self.num_reference = num_reference

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the normalised maps [num_reference + B, C, H, W]."""
        # In float32 without autocast: bfloat16 has only eight bits for the mean of a map.
        with torch.autocast(x.device.type, enabled=False):
            x = x.float()
            number = self.num_reference
            variance, mean = torch.var_mean(x[:number], (0, 2, 3), correction=0, keepdim=True)
            own_variance, own_mean = torch.var_mean(x[number:], (2, 3), correction=0, keepdim=True)
            weight = 1 / (number + 1)
            means = weight * own_mean + (1 - weight) * mean
            variances = weight * (own_variance + (own_mean - means).square())
            variances = variances + (1 - weight) * (variance + (mean - means).square())
            reference = (x[:number] - mean) * (variance + self.eps).rsqrt()
            others = (x[number:] - means) * (variances + self.eps).rsqrt()
            scale, shift = (one[:, None, None] for one in (self.weight, self.bias))
            return torch.cat([reference, others]) * scale + shift


class VirtuallyNormalised(nn.Module):
    """A generator whose BatchNorms are virtual.

    Attributes:
        reference: Buffer, float32 [num_reference, latent_size]: latents of the reference batch.
    """

    reference: torch.Tensor

    def __init__(self, network: nn.Module, *, latent_size: int, num_reference: int) -> None:
        """Replace every BatchNorm of a network; `choose` draws the reference batch.

        Raises:
            GanevalError: The network has no BatchNorm.
        """
        super().__init__()
        self.latent_size = latent_size
        self.register_buffer("reference", torch.zeros(num_reference, latent_size))
        norms = {
            name: one for name, one in network.named_modules() if isinstance(one, nn.BatchNorm2d)
        }
        if not norms:
            raise ganeval.GanevalError(
                "virtual batch norm in a network without BatchNorm",
                "a generator of pictures",
                "leave generator.norm at batch",
            )
        for name, norm in norms.items():
            network.set_submodule(name, VirtualBatchNorm(norm, num_reference))
        self.network = network

    @torch.no_grad()
    def choose(self, generator: torch.Generator) -> None:
        """Draw the latents of the reference batch, from a standard normal."""
        self.reference.normal_(generator=generator)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Return samples of latents [B, latent_size]."""
        samples: torch.Tensor = self.network(torch.cat([self.reference, z]))
        return samples[len(self.reference) :]
