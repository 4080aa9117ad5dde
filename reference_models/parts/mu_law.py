"""The mu-law: few levels for sound, which lie close where it is quiet.

ITU-T recommendation G.711, as in van den Oord et al. 2016 (section 2.2), for x in [-1, 1]:

    f(x) = sign(x) log(1 + mu |x|) / log(1 + mu)        mu = number of levels - 1

f(x) is cut into levels that are evenly far apart, from -1 to 1. An error of a level is so a nearly
constant share of x, as the ear has it.
"""

import math

import torch


def encode(x: torch.Tensor, num_levels: int) -> torch.Tensor:
    """Return the level of each sample, int64 from 0 to num_levels - 1.

    Args:
        x: Floats in [-1, 1]; what lies beyond gets the outermost level.
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
    return x.clamp(-1, 1)  # rounding may pass the ends
