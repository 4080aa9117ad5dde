"""The influence of each image on the Frechet distance between two Gaussians.

Rippl, Munk and Sturm, "Limit laws of the empirical Wasserstein distance: Gaussian distributions",
Journal of Multivariate Analysis 2016: for different distributions, the limit law is that of a mean
of these values.
"""

from collections.abc import Sequence

import numpy as np

from ganeval.features.moments import Moments
from ganeval.metrics.parts.linalg import EPSILON, Matrix, Rows, factor

BLOCK = 1024  # rows made float64 at a time


def optimal_maps(
    sample: Moments,
    reference: Moments,
    sample_rows: Rows | None = None,
    reference_rows: Rows | None = None,
) -> tuple[Matrix, Matrix]:
    """Return the linear maps that carry one Gaussian to the other at least cost.

    With S1 = F F^T and F^T S2 F = U diag(s^2) U^T let J = F U and K = S2 J diag(1/s); then
    J J^T = S1, K K^T = S2 and K^T S1 K = diag(s^2). So T = K diag(1/s) K^T has T S1 T = S2, and
    its inverse is J diag(1/s) J^T. Directions that either side lacks are left out.

    Args:
        sample: Moments of d features of the sample.
        reference: Moments of the reference.
        sample_rows: The rows, if they are no more than d; see `factor`.
        reference_rows: The same for the reference.

    Returns:
        The map from the sample to the reference and the one back, float64 [d, d] each.
    """
    if reference_rows is None:
        root = factor(sample, sample_rows)
        return _maps(root, reference.covariance())
    back, forth = _maps(factor(reference, reference_rows), sample.covariance())
    return forth, back


def _maps(root: Matrix, other: Matrix) -> tuple[Matrix, Matrix]:
    """Return the maps from the covariance root root^T to `other` and back."""
    squares, vectors = np.linalg.eigh(root.T @ other @ root)
    kept = squares > len(squares) * EPSILON * squares.max(initial=0.0)
    singular = np.sqrt(squares[kept])
    mine = root @ vectors[:, kept]
    theirs = other @ mine / singular
    return (theirs / singular) @ theirs.T, (mine / singular) @ mine.T


def frechet_influence(rows: Rows, own: Moments, other: Moments, optimal: Matrix) -> Matrix:
    """Return what each row of one side adds to the Frechet distance, float64 [num], mean 0.

    It is 2 delta.(x - m) + (x - m)^T (I - T) (x - m) minus its mean, with delta the difference of
    the means and T the optimal map to the other side, because the derivative of tr (S1 S2)^(1/2) by
    S1 is T / 2.

    Args:
        rows: The rows of this side.
        own: Moments of this side.
        other: Moments of the other side.
        optimal: The map from this side to the other, float64 [d, d].
    """
    delta = own.mean - other.mean
    gain = np.eye(len(delta)) - optimal
    values = np.empty(len(rows))
    for start in range(0, len(rows), BLOCK):
        centred = rows[start : start + BLOCK] - own.mean
        quadratic = np.einsum("ij,ij->i", centred @ gain, centred)
        values[start : start + BLOCK] = quadratic + 2 * (centred @ delta)
    return np.asarray(values - values.mean())


def influence_of_parts(
    parts: Sequence[Moments], own: Moments, other: Moments, optimal: Matrix
) -> Matrix:
    """Return what each part of one side adds to the Frechet distance, float64 [parts], mean 0.

    The mean of `frechet_influence` over the rows of a part depends on its moments only: 2
    delta.(m_p - m) + tr (I - T) C_p with the second moment C_p of the part around m.

    Args:
        parts: Moments of the parts, which have nearly equal numbers of rows.
        own: Moments of the whole side.
        other: Moments of the other side.
        optimal: The map from this side to the other, float64 [d, d].
    """
    delta = own.mean - other.mean
    gain = np.eye(len(delta)) - optimal
    values = []
    for part in parts:
        shift = part.mean - own.mean
        quadratic = np.vdot(gain, part.scatter) / part.num + shift @ gain @ shift
        values.append(float(quadratic + 2 * (delta @ shift)))
    return np.asarray(np.array(values) - np.mean(values))
