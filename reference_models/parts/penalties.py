"""Terms that keep the discriminator smooth, and constraints between steps."""

from collections.abc import Callable

import torch
from torch import nn

Critic = Callable[[torch.Tensor], torch.Tensor]


def gradient_penalty(
    critic: Critic, real: torch.Tensor, fake: torch.Tensor, mix: torch.Tensor
) -> torch.Tensor:
    """Return E (|grad f(x)| - 1)^2 on the lines between real and generated samples.

    Gulrajani et al. 2017, equation 3: the norm is that of each sample's gradient, and every sample
    has a mixing weight of its own.

    Args:
        critic: Maps float [B, ...] to logits [B].
        real: float32 [B, ...].
        fake: Likewise.
        mix: float32 [B], uniform on [0, 1).
    """
    weight = mix.reshape(-1, *[1] * (real.ndim - 1))
    between = (weight * real + (1 - weight) * fake).detach().requires_grad_()
    gradients = _input_gradient(critic, between).flatten(1)
    norms: torch.Tensor = torch.linalg.vector_norm(gradients, dim=1)
    return (norms - 1).square().mean()


def r1_penalty(critic: Critic, real: torch.Tensor) -> torch.Tensor:
    """Return E |grad f(x)|^2 / 2 on real samples: Mescheder et al. 2018, equation 9."""
    gradient = _input_gradient(critic, real.detach().requires_grad_())
    return 0.5 * gradient.flatten(1).square().sum(dim=1).mean()


@torch.no_grad()
def clip_weights(network: nn.Module, limit: float) -> None:
    """Clip every parameter to [-limit, limit]: Arjovsky et al. 2017, algorithm 1."""
    for parameter in network.parameters():
        parameter.clamp_(-limit, limit)


def _input_gradient(critic: Critic, points: torch.Tensor) -> torch.Tensor:
    """Return the gradient of each point's logit, kept differentiable; outside of autocast."""
    with torch.autocast(points.device.type, enabled=False):
        total = critic(points).sum()
        gradient: torch.Tensor = torch.autograd.grad(total, points, create_graph=True)[0]
    return gradient
