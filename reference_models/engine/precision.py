"""bfloat16 for the networks, float32 for everything that is sensitive."""

from typing import Any, Literal

import torch
from torch import nn
from torch.nn.utils.parametrize import ParametrizationList

from reference_models.engine.game import Game

Precision = Literal["auto", "float32", "bfloat16"]


def resolve_precision(precision: Precision, device: torch.device) -> Precision:
    """Return "float32" or "bfloat16": "auto" is bfloat16 on CUDA and float32 elsewhere."""
    if precision != "auto":
        return precision
    return "bfloat16" if device.type == "cuda" else "float32"


def use_precision(game: Game, precision: Precision) -> None:
    """Let the networks of a game compute their layers in bfloat16, if that is the precision.

    Parameters, their gradients, optimizers and the average stay float32 (torch's autocast casts
    weights and inputs where they are multiplied), and so does what a network returns: losses are
    float32 functions of it. Penalties switch autocast off for their critic, whose inputs are
    float32, because the square of a gradient soon exceeds bfloat16's eight bits of precision.
    Weights that are functions of others (spectral norm) are computed in float32 too. Losses are not
    scaled, since bfloat16 has float32's exponents.

    It was tested on the CPU only; on CUDA other layers run in bfloat16.
    """
    if precision == "bfloat16":
        game.low_precision = torch.bfloat16
        for network in game.children():
            network.register_forward_hook(_to_float32)
        for module in game.modules():
            if isinstance(module, ParametrizationList):
                device = module.original.device.type
                plain = torch.autocast(device, enabled=False)(module.forward)
                object.__setattr__(module, "forward", plain)


def _to_float32(network: nn.Module, inputs: Any, outputs: Any) -> Any:
    """Return a network's outputs, floating point ones as float32."""
    if isinstance(outputs, torch.Tensor):
        return outputs.float() if outputs.is_floating_point() else outputs
    if isinstance(outputs, tuple | list):
        return type(outputs)(_to_float32(network, inputs, output) for output in outputs)
    return outputs
