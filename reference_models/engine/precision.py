"""Use bfloat16 for the networks, and float32 for everything that needs precision."""

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

    Torch's autocast converts weights and inputs only where they are multiplied. Parameters, their
    gradients, optimizers and the average stay float32. The outputs of a network are converted back
    to float32, so losses are computed in float32. Penalties switch autocast off for their critic,
    because bfloat16's eight bits of precision are too few for the square of a gradient. Weights
    that are computed from others (spectral norm) are computed in float32 too. Losses are not
    scaled, because bfloat16 has the same range of exponents as float32.

    It was tested only on the CPU; on CUDA, other layers run in bfloat16.
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
    """Return a network's outputs; floating point ones are converted to float32."""
    if isinstance(outputs, torch.Tensor):
        return outputs.float() if outputs.is_floating_point() else outputs
    if isinstance(outputs, tuple | list):
        return type(outputs)(_to_float32(network, inputs, output) for output in outputs)
    return outputs
