"""The moving average of a network's parameters; the averaged network is sampled and scored."""

import copy
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def averaged_copy(network: Network) -> Network:
    """Return a copy in evaluation mode, for `update`."""
    copied = copy.deepcopy(network).eval()
    for parameter in copied.parameters():
        parameter.requires_grad_(False)
    return copied


def half_life_after(num_images: int, half_life: float, ramp_up: float) -> float:
    """Return the half-life of the average after this many images; see `Recipe.ema_ramp_up`.

    The code of Karras et al., "Training Generative Adversarial Networks with Limited Data", NeurIPS
    2020, has a ramp-up of 0.05.
    """
    return min(half_life, num_images * ramp_up) if ramp_up > 0 else half_life


@torch.no_grad()
def update(average: nn.Module, network: nn.Module, *, num_images: int, half_life: float) -> None:
    """Move the average towards the network by one step.

    Parameters are averaged with a weight that halves every `half_life` images. Buffers (statistics
    of BatchNorm) are copied, because averaged statistics would fit no network.

    Args:
        average: From `averaged_copy`.
        network: The network after the step.
        num_images: Images seen in the step.
        half_life: In images; with 0 the average is the network itself.
    """
    keep = 0.5 ** (num_images / half_life) if half_life > 0 else 0.0
    for ours, theirs in zip(average.parameters(), network.parameters(), strict=True):
        ours.lerp_(theirs, 1 - keep)
    for statistic, new in zip(average.buffers(), network.buffers(), strict=True):
        statistic.copy_(new)
