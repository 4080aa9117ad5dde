"""Convolutions in which nothing comes from the future, for all places at once or one by one."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(slots=True)
class Past:
    """The inputs that a causal convolution has seen so far, as many as it still looks at.

    Attributes:
        kept: Float [B, C, reach + 1], a ring: the input at t is at t modulo its length.
        t: Number of the next input.
    """

    kept: Tensor
    t: int = 0


class CausalConvolution(nn.Conv1d):
    """A convolution that sees its input at a place and at `kernel` - 1 before it.

    Each of these lies `dilation` before the next. What lies before the first one is 0.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int) -> None:
        """Build it for so many channels."""
        super().__init__(inputs, outputs, kernel, dilation=dilation)
        self.reach = (kernel - 1) * dilation

    def forward(self, u: Tensor) -> Tensor:
        """Return all places, float [B, outputs, T], of inputs [B, inputs, T]."""
        return super().forward(F.pad(u, (self.reach, 0)))

    def start(self, num: int) -> Past:
        """Return what `num` sequences have seen before their first input."""
        return Past(self.weight.new_zeros(num, self.in_channels, self.reach + 1))

    def step(self, u: Tensor, past: Past) -> Tensor:
        """Return the next place alone, float [B, outputs], of its input [B, inputs].

        What the convolution has seen is kept in `past`, so that nothing is computed twice.
        """
        size, dilation = self.reach + 1, self.dilation[0]
        past.kept[:, :, past.t % size] = u
        places = [(past.t - back) % size for back in range(self.reach, -1, -dilation)]
        past.t += 1
        return F.linear(past.kept[:, :, places].flatten(1), self.weight.flatten(1), self.bias)


class Pointwise(nn.Conv1d):
    """A convolution that sees one place; it takes all of them, or one alone."""

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True) -> None:
        """Build it for so many channels."""
        super().__init__(inputs, outputs, 1, bias=bias)

    def forward(self, u: Tensor) -> Tensor:
        """Return float [B, outputs, T] of [B, inputs, T], or [B, outputs] of [B, inputs]."""
        if u.ndim == 2:
            return F.linear(u, self.weight.flatten(1), self.bias)
        return super().forward(u)
