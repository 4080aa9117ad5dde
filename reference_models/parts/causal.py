"""Convolutions that see only the past, computed for all places at once or one place at a time."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(slots=True)
class Past:
    """The past inputs of a causal convolution, as many as it still needs.

    Attributes:
        kept: Float [B, C, reach + 1], a ring buffer: the input at time t is at t modulo its length.
        t: Time of the next input.
    """

    kept: Tensor
    t: int = 0


class CausalConvolution(nn.Conv1d):
    """A convolution that sees its input at a place and at `kernel` - 1 places before it.

    These places are `dilation` apart. Inputs before the first one count as 0.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int) -> None:
        """Build it for these numbers of channels."""
        super().__init__(inputs, outputs, kernel, dilation=dilation)
        self.reach = (kernel - 1) * dilation

    def forward(self, u: Tensor) -> Tensor:
        """Return the outputs at all places, float [B, outputs, T], for inputs [B, inputs, T]."""
        return super().forward(F.pad(u, (self.reach, 0)))

    def start(self, num: int) -> Past:
        """Return the empty past of `num` sequences, before their first input."""
        return Past(self.weight.new_zeros(num, self.in_channels, self.reach + 1))

    def step(self, u: Tensor, past: Past) -> Tensor:
        """Return the output at the next place, float [B, outputs], for its input [B, inputs].

        The earlier inputs are in `past`, and the new one is added to it.
        """
        size, dilation = self.reach + 1, self.dilation[0]
        past.kept[:, :, past.t % size] = u
        places = [(past.t - back) % size for back in range(self.reach, -1, -dilation)]
        past.t += 1
        return F.linear(past.kept[:, :, places].flatten(1), self.weight.flatten(1), self.bias)


class Pointwise(nn.Conv1d):
    """A convolution that sees one place; it takes all places at once, or one of them."""

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True) -> None:
        """Build it for these numbers of channels."""
        super().__init__(inputs, outputs, 1, bias=bias)

    def forward(self, u: Tensor) -> Tensor:
        """Return float [B, outputs, T] for [B, inputs, T], or [B, outputs] for [B, inputs]."""
        if u.ndim == 2:
            return F.linear(u, self.weight.flatten(1), self.bias)
        return super().forward(u)
