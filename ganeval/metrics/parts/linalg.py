"""The Frechet distance between two Gaussians in float64: real, exact and without sqrtm.

The expensive term, tr (S1 S2)^(1/2), is the nuclear norm (the sum of the singular values) of F1^T
F2 for any factors F1 F1^T = S1 and F2 F2^T = S2, because S1 S2 and (F1^T F2)(F1^T F2)^T have the
same non-zero eigenvalues. So nothing becomes complex, nothing is added to a diagonal, and a
singular covariance is no special case.
"""

import numpy as np
import numpy.typing as npt

from ganeval.features.moments import Moments

Matrix = npt.NDArray[np.float64]
Rows = npt.NDArray[np.floating]

EPSILON = float(np.finfo(np.float64).eps)
# The eigenvalue route is kept while its estimated error is below this part of the traces.
TOLERANCE = 1e-9
# Below this part of the largest variance a pivot may be rounding.
PIVOT = 1e-9


def frechet_distance(
    sample: Moments,
    reference: Moments,
    sample_rows: Rows | None = None,
    reference_rows: Rows | None = None,
) -> float:
    """Return |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2) with covariances of ddof 1.

    Dowson and Landau, "The Frechet distance between multivariate normal distributions" (1982).
    Equal moments give exactly 0. A result below 0 by no more than the error bound of
    `nuclear_norm` is 0.

    Args:
        sample: Moments of at least 2 rows of d features.
        reference: Moments of the reference.
        sample_rows: The rows themselves, float [num, d] with num <= d; then the covariance is
            singular and its factor is exact.
        reference_rows: The same for the reference.
    """
    if np.array_equal(sample.mean, reference.mean) and np.array_equal(
        sample.covariance(), reference.covariance()
    ):
        return 0.0
    difference = sample.mean - reference.mean
    traces = _trace(sample) + _trace(reference)
    norm, bound = nuclear_norm(sample, reference, sample_rows, reference_rows)
    distance = float(difference @ difference) + traces - 2 * norm
    assert distance >= -2 * bound, f"distance {distance} is below its error bound {bound}"
    return max(distance, 0.0)


def nuclear_norm(
    sample: Moments,
    reference: Moments,
    sample_rows: Rows | None = None,
    reference_rows: Rows | None = None,
) -> tuple[float, float]:
    """Return tr (S1 S2)^(1/2) and an error bound; arguments as for `frechet_distance`."""
    if sample_rows is None and reference_rows is None:
        full_rank = _full_rank_norm(sample, reference)
        if full_rank is not None:
            return full_rank
    product = factor(sample, sample_rows).T @ factor(reference, reference_rows)
    norm = float(np.linalg.svd(product, compute_uv=False).sum())
    return norm, _rounding(sample, reference)


def factor(moments: Moments, rows: Rows | None = None) -> Matrix:
    """Return F, float64 [d, r], with F F^T = the covariance.

    With rows, F is the centred rows over the root of num - 1. With moments only, it is the Cholesky
    factor if the covariance clearly has full rank; else it is built from the eigenvectors.
    Eigenvalues at or below d * epsilon * the largest are rounding and are left out, since the root
    of a rounding error is not small.
    """
    if rows is not None:
        centred = rows.astype(np.float64) - moments.mean
        return np.asarray(centred.T / np.sqrt(moments.num - 1))
    covariance = moments.covariance()
    if moments.num > len(covariance):
        try:
            lower = np.linalg.cholesky(covariance)
        except np.linalg.LinAlgError:
            pass
        else:
            # Every pivot is well above the rounding of a direction without variance.
            if np.diag(lower).min() ** 2 > PIVOT * np.diag(covariance).max():
                return np.asarray(lower)
    eigenvalues, vectors = np.linalg.eigh(covariance)
    kept = eigenvalues > len(eigenvalues) * EPSILON * max(eigenvalues[-1], 0.0)
    return np.asarray(vectors[:, kept] * np.sqrt(eigenvalues[kept]))


def _full_rank_norm(sample: Moments, reference: Moments) -> tuple[float, float] | None:
    """Return the norm and its bound in a fifth of the time, or None if that would be inexact.

    With S1 = L L^T the singular values of L^T F2 are the roots of the eigenvalues of L^T S2 L. An
    eigenvalue w has an error of epsilon * w_max, its root one of epsilon * w_max / (2 sqrt w).
    Their sum is the bound. The errors have either sign, so the root of their summed squares
    (without the 1/2) estimates the total error, and decides.
    """
    try:
        lower = np.linalg.cholesky(sample.covariance())
    except np.linalg.LinAlgError:
        return None
    eigenvalues = np.linalg.eigvalsh(lower.T @ reference.covariance() @ lower)
    unit = EPSILON * float(eigenvalues[-1])
    if eigenvalues[0] <= EPSILON * unit:
        return None
    rounding = _rounding(sample, reference)
    estimate = unit * float(np.sqrt(np.sum(1 / eigenvalues)))
    if estimate > TOLERANCE * (_trace(sample) + _trace(reference)):
        return None
    roots = np.sqrt(eigenvalues)
    return float(roots.sum()), rounding + unit * float(np.sum(0.5 / roots))


def _rounding(sample: Moments, reference: Moments) -> float:
    """Return the bound of the rounding in the traces, the factors and their singular values."""
    return len(sample.mean) * EPSILON * (_trace(sample) + _trace(reference))


def _trace(moments: Moments) -> float:
    """Return the trace of the covariance."""
    return float(np.trace(moments.scatter)) / (moments.num - 1)
