"""The mu-law: it stores sound in few levels, which are closer together for quiet sound.

ITU-T recommendation G.711, as in van den Oord et al. 2016 (section 2.2), for x in [-1, 1]:

    f(x) = sign(x) log(1 + mu |x|) / log(1 + mu)        mu = number of levels - 1

f(x) is rounded to one of equally spaced levels from -1 to 1. So the error is nearly proportional to
x, which suits the ear.
"""

import math

import torch


def encode(x: torch.Tensor, num_levels: int) -> torch.Tensor:
    """Return the level of each sample, int64 from 0 to num_levels - 1.

    Args:
        x: Floats in [-1, 1]; values beyond get the outermost level.
        num_levels: At least 2.
    """
    mu = num_levels - 1
    pressed = x.sign() * (mu * x.abs()).log1p() / math.log1p(mu)
    return ((pressed + 1) * mu / 2 + 0.5).floor().long().clamp(0, mu)


def decode(levels: torch.Tensor, num_levels: int) -> torch.Tensor:
    """Return the sample in the middle of each level, float32 in [-1, 1]."""
    mu = num_levels - 1
    pressed = 2 * levels.float() / mu - 1
    x = pressed.sign() * ((pressed.abs() * math.log1p(mu)).expm1() / mu)
    return x.clamp(-1, 1)  # rounding may exceed the range
