"""Cubic splines through equally spaced samples, computed as a convolution."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_FAR = 16  # samples used on either side; the weights beyond are below 1e-9
_POLE = math.sqrt(3) - 2


def spline_weights(factor: int) -> Tensor:
    """Return the weights of samples in the values between them, float64 [factor, 2 _FAR + 1].

    Row j has the weights for the value at i + j / factor. Its columns are the weights of the
    samples i - _FAR to i + _FAR.

    Unser, "Splines: A Perfect Fit for Signal and Image Processing", IEEE Signal Processing
    Magazine 1999: a spline is sum_k c_k B(t - k) with the cubic B-spline B, and passes through
    samples s if c = h * s, where h_m = 6 z / (z^2 - 1) z^|m| with z = sqrt(3) - 2.
    """
    near = torch.arange(-_FAR, _FAR + 1, dtype=torch.float64)
    filtered = 6 * _POLE / (_POLE**2 - 1) * torch.pow(_POLE, near.abs())
    rows = []
    for number in range(factor):
        basis = _b_spline(number / factor - torch.arange(-1, 3, dtype=torch.float64))
        row = torch.zeros(2 * _FAR + 1, dtype=torch.float64)
        for k, weight in zip(range(-1, 3), basis, strict=True):
            row += weight * torch.roll(filtered, k)  # the values that wrap around are almost 0
        rows.append(row)
    return torch.stack(rows)


def spline(low: Tensor, factor: int) -> Tensor:
    """Return the cubic spline through samples [B, C, n], floats [B, C, factor n].

    Sample i is at index factor * i of the result. A clip keeps its end values beyond its ends.
    """
    num, channels, length = low.shape
    weights = spline_weights(factor).to(low)[:, None]
    padded = F.pad(low.reshape(num * channels, 1, length), (_FAR, _FAR), mode="replicate")
    return F.conv1d(padded, weights).mT.reshape(num, channels, factor * length)


def _b_spline(t: Tensor) -> Tensor:
    """Return the cubic B-spline, 2/3 at 0 and 0 from 2 on."""
    near = t.abs()
    middle = 2 / 3 - near**2 + near**3 / 2
    side = (2 - near).clamp(min=0) ** 3 / 6
    return torch.where(near < 1, middle, side)
