"""Penalties on a steep discriminator, and the clipping of its weights."""

from collections.abc import Callable

import torch
from torch import nn

Critic = Callable[[torch.Tensor], torch.Tensor]


def gradient_penalty(
    critic: Critic, real: torch.Tensor, fake: torch.Tensor, mix: torch.Tensor
) -> torch.Tensor:
    """Return E (|grad f(x)| - 1)^2 on the lines between real and generated samples.

    Gulrajani et al. 2017, equation 3: every pair of samples has its own mixing weight.

    Args:
        critic: Maps float [B, ...] to logits [B].
        real: float32 [B, ...].
        fake: float32 [B, ...].
        mix: float32 [B], uniform on [0, 1).
    """
    weight = mix.reshape(-1, *[1] * (real.ndim - 1))
    return around_penalty(critic, weight * real + (1 - weight) * fake)


def around_penalty(critic: Critic, points: torch.Tensor) -> torch.Tensor:
    """Return E (|grad f(x)| - 1)^2, where each point has its own gradient."""
    norms: torch.Tensor = torch.linalg.vector_norm(_slopes(critic, points), dim=1)
    return (norms - 1).square().mean()


def r1_penalty(critic: Critic, samples: torch.Tensor) -> torch.Tensor:
    """Return E |grad f(x)|^2 / 2 at samples.

    At real samples it is R1 (Mescheder et al. 2018, equation 9), at generated ones R2 (equation
    10).
    """
    return 0.5 * square_slope(critic, samples).mean()


def square_slope(critic: Critic, points: torch.Tensor) -> torch.Tensor:
    """Return |grad f(x)|^2 at points [B, ...], float32 [B]; only the critic gets gradients."""
    return _slopes(critic, points).square().sum(dim=1)


@torch.no_grad()
def clip_weights(network: nn.Module, limit: float) -> None:
    """Clip every parameter to [-limit, limit]: Arjovsky et al. 2017, algorithm 1."""
    for parameter in network.parameters():
        parameter.clamp_(-limit, limit)


def _slopes(critic: Critic, points: torch.Tensor) -> torch.Tensor:
    """Return the gradient of each point's logit, [B, n], differentiable, without autocast."""
    points = points.detach().requires_grad_()
    with torch.autocast(points.device.type, enabled=False):
        total = critic(points).sum()
        gradient: torch.Tensor = torch.autograd.grad(total, points, create_graph=True)[0]
    return gradient.flatten(1)
