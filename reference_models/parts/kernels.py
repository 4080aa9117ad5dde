"""Kernels, and a distance between samples that they define: maximum mean discrepancy (MMD).

Gretton et al., "A Kernel Two-Sample Test", JMLR 2012, lemma 6: with x, x' from one distribution and
y, y' from the other, all independent,

    MMD^2 = E k(x, x') + E k(y, y') - 2 E k(x, y)

With a kernel such as the Gaussian it is 0 only for equal distributions. With k(x, y) = -|x - y| it
is the energy distance. Distances |x - y| are computed from differences and at least in float32, so
they are accurate even if two points are near each other.
"""

from collections.abc import Callable, Sequence

import torch

import ganeval

Kernel = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Function of two samples, float [N, d] and [M, d], that returns k of every pair, [N, M]."""


def gaussians(bandwidths: Sequence[float]) -> Kernel:
    """Return the sum of Gaussian kernels exp(-|x - y|^2 / (2 b^2)), one for each bandwidth b.

    Raises:
        GanevalError: A bandwidth is 0.
    """
    if not all(bandwidth > 0 for bandwidth in bandwidths):
        raise ganeval.GanevalError(
            f"bandwidths {list(bandwidths)}", "numbers above 0", "change game.bandwidths"
        )

    def kernel(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        squares = _distances(x, y).square()
        return torch.stack([(squares / (-2 * b**2)).exp() for b in bandwidths]).sum(dim=0)

    return kernel


def negative_distance(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return -|x - y| of every pair."""
    return -_distances(x, y)


def biased_mmd2(kernel: Kernel, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return MMD^2 of the two samples themselves, a scalar: means over all pairs (V-statistic).

    It is at least 0 for a positive definite kernel, and 0 for equal samples. As an estimate for the
    distributions it is too large, because every point is also paired with itself.
    """
    return kernel(x, x).mean() + kernel(y, y).mean() - 2 * kernel(x, y).mean()


def unbiased_mmd2(kernel: Kernel, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the unbiased estimate of MMD^2, a scalar: no point is paired with itself.

    Its mean is 0 if both distributions are equal, so it can be below 0.

    Raises:
        GanevalError: A sample has fewer than two points.
    """
    return _of_different(kernel, x) + _of_different(kernel, y) - 2 * kernel(x, y).mean()


def _of_different(kernel: Kernel, x: torch.Tensor) -> torch.Tensor:
    """Return the mean kernel of two different points of a sample."""
    num = len(x)
    if num < 2:
        raise ganeval.GanevalError(
            "a batch, or a part of one, with 1 item",
            "at least 2 items, for pairs of different ones",
            "raise batch_size, or lower solver.accumulate or the number of processes",
        )
    values = kernel(x, x)
    return (values.sum() - values.diagonal().sum()) / (num * (num - 1))


def _distances(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return Euclidean distances [N, M]; if a distance is 0, its gradient is 0 too."""
    if x.dtype != torch.float64:
        x, y = x.float(), y.float()
    distances: torch.Tensor = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")
    return distances
