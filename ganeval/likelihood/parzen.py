"""Parzen windows: the density of noisy samples, which many papers reported as a likelihood.

Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014, section 5, after Breuleux et al.:
Gaussians of one bandwidth around samples; the bandwidth is chosen on validation pictures. It is
kept to show that it misorders generators: memorised centres of clusters beat the truth, as found by
Theis et al., arXiv:1511.01844, section 3.2, and Wu et al., arXiv:1611.04273, table 2.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

Floats = npt.NDArray[np.float64]

BANDWIDTHS: Floats = np.logspace(-1, 0, 10)
"""The bandwidths in the code of Goodfellow et al., for pictures from 0 to 1."""
NUM_SAMPLES = 10_000


def parzen(x: Floats, samples: Iterable[Floats], bandwidths: Floats) -> Floats:
    """Return log (1/S) sum_s N(x; sample_s, bandwidth^2 I) for each bandwidth, [K, N].

    Args:
        x: Pictures [N, D].
        samples: Batches [B, D] of samples; one batch is in memory at a time.
        bandwidths: [K].
    """
    total = np.full((len(bandwidths), len(x)), -np.inf)
    squares, num = (x**2).sum(axis=1), 0
    for batch in samples:
        distances = squares[:, None] - 2 * x @ batch.T + (batch**2).sum(axis=1)
        for row, bandwidth in zip(total, bandwidths, strict=True):
            row[:] = np.logaddexp(row, logsumexp(-distances / (2 * bandwidth**2), axis=1))
        num += len(batch)
    norm = x.shape[1] / 2 * np.log(2 * np.pi * bandwidths**2) + np.log(num)
    density: Floats = total - norm[:, None]
    return density
