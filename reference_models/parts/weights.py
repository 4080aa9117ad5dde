"""First weights, drawn from a given random generator."""

import math

import torch
from torch import nn


@torch.no_grad()
def init_uniform(network: nn.Module, generator: torch.Generator) -> None:
    """Draw weights as torch's layers do by default, but from a given random generator."""
    for module in network.modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            fan_in = module.weight[0].numel()
            if isinstance(module, nn.ConvTranspose2d):
                fan_in = module.weight[:, 0].numel()
            bound = 1 / math.sqrt(fan_in)
            module.weight.uniform_(-bound, bound, generator=generator)
            if module.bias is not None:
                module.bias.uniform_(-bound, bound, generator=generator)
