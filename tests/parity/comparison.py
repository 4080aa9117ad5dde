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


def in_joint_span(sample: Rows, reference: Rows) -> tuple[Rows, Rows]:
    """Return both sides, float64, turned into as many dimensions as there are images in all.

    A rotation changes no Frechet distance. With fewer images than dimensions the peers' sqrtm and
    eigvals lose half the digits to eigenvalues that should be zero, and take long; on the turned
    rows the peers' own formulas are quick and exact to about 1e-8.
    """
    basis, _ = np.linalg.qr(np.concatenate([sample, reference]).astype(np.float64).T)
    return sample @ basis, reference @ basis
