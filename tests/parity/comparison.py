"""How two tools' features and scores are compared."""

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.floating]

TOLERANCE = 1e-5


def assert_same_features(ours: Rows, theirs: Rows) -> None:
    """Every image's largest difference is at most 1e-5 of its largest feature."""
    assert ours.shape == theirs.shape
    differences = np.abs(ours - theirs).max(axis=1) / np.abs(theirs).max(axis=1)
    assert differences.max() <= TOLERANCE, f"by image: {differences}"


def exact_distance(sample: Rows, reference: Rows) -> float:
    """Return FID from features of a few images without the noise of the peers' own formulas.

    With fewer images than dimensions their sqrtm and eigvals add up eigenvalues that should be
    zero. With the centred rows F over the root of num - 1, the non-zero eigenvalues of the product
    of the covariances are those of C C^T, C = F_sample F_reference^T, as small as the images are
    few.
    """
    sides = [rows.astype(np.float64) for rows in (sample, reference)]
    difference = sides[0].mean(axis=0) - sides[1].mean(axis=0)
    factors = [(rows - rows.mean(axis=0)) / np.sqrt(len(rows) - 1) for rows in sides]
    cross = factors[0] @ factors[1].T
    roots = np.sqrt(np.maximum(np.linalg.eigvalsh(cross @ cross.T), 0))
    traces = sum(float(np.square(factor).sum()) for factor in factors)
    return float(difference @ difference) + traces - 2 * float(roots.sum())
