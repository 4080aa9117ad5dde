"""Convolutions of oneDNN with packed weights, which apply the activation in the same pass.

torch's compiler uses the same operations for convolutions on the CPU. Their results have the same
bits as a convolution followed by an activation.
"""

from itertools import pairwise
from typing import Any

import torch
from torch import nn

_OPERATIONS: Any = torch.ops.mkldnn
_ACTIVATIONS: dict[type[nn.Module], tuple[str, list[float]]] = {
    nn.Identity: ("none", []),
    nn.ReLU: ("relu", []),
    nn.ReLU6: ("hardtanh", [0.0, 6.0]),
}


class PackedConv(nn.Module):
    """A convolution with its activation.

    The weights are packed for the size of the first maps, because extractors see only one size.
    """

    def __init__(self, conv: nn.Conv2d, activation: nn.Module) -> None:
        super().__init__()
        self.conv = conv
        self.activation, self.bounds = _ACTIVATIONS[type(activation)]
        self.packed: torch.Tensor | None = None

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return the activated maps, channels last."""
        conv = self.conv
        how = (conv.padding, conv.stride, conv.dilation, conv.groups)
        if self.packed is None:
            self.packed = _OPERATIONS._reorder_convolution_weight(
                conv.weight, *how, list(maps.shape)
            )
        output: torch.Tensor = _OPERATIONS._convolution_pointwise(
            maps, self.packed, conv.bias, *how, self.activation, self.bounds, ""
        )
        return output


def can_pack(dtype: torch.dtype) -> bool:
    """Return whether this build of torch can pack such convolutions on this processor.

    The operations are not part of torch's public interface. oneDNN has them for bfloat16 only on
    processors with AVX-512 or similar. Elsewhere torch's own convolution takes bfloat16, slowly.
    """
    names = ("_reorder_convolution_weight", "_convolution_pointwise", "_is_mkldnn_bf16_supported")
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    if not all(hasattr(_OPERATIONS, name) for name in names):
        return False
    return dtype == torch.float32 or bool(_OPERATIONS._is_mkldnn_bf16_supported())


def pack_convolutions(network: nn.Module) -> None:
    """Replace each Conv2d and the activation registered after it by a PackedConv, in place.

    An Identity may stand between the two, where a BatchNorm was folded.
    """
    for module in list(network.modules()):
        children = [
            (name, child)
            for name, child in module.named_children()
            if not isinstance(child, nn.Identity)
        ]
        for (name, conv), (next_name, after) in pairwise([*children, ("", nn.Identity())]):
            if not isinstance(conv, nn.Conv2d):
                continue
            activation = after if type(after) in _ACTIVATIONS else nn.Identity()
            setattr(module, name, PackedConv(conv, activation))
            if activation is after and next_name:
                setattr(module, next_name, nn.Identity())
