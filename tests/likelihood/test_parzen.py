"""Parzen windows: their closed form, and the order that they get wrong."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.cluster import KMeans

from ganeval.likelihood.parzen import BANDWIDTHS, parzen


def test_windows_are_a_mixture_of_gaussians() -> None:
    rng = np.random.default_rng(0)
    x, samples = rng.normal(size=(4, 3)), rng.normal(size=(7, 3))
    found = parzen(x, [samples[:5], samples[5:]], np.array([0.2, 1.5]))
    for row, bandwidth in zip(found, (0.2, 1.5), strict=True):
        each = [multivariate_normal(one, bandwidth**2 * np.eye(3)).pdf(x) for one in samples]
        np.testing.assert_allclose(row, np.log(np.mean(each, axis=0)), rtol=1e-10)


def test_bandwidths_are_those_of_the_paper() -> None:
    assert BANDWIDTHS[[0, -1]] == pytest.approx([0.1, 1])
    assert len(BANDWIDTHS) == 10


def test_centres_of_clusters_beat_the_truth() -> None:
    """Theis et al., arXiv:1511.01844, section 3.2: a memoriser is above the model of the data."""
    rng = np.random.default_rng(1)
    weight = rng.normal(size=(60, 8)) / 4

    def real(num: int) -> np.ndarray:
        return rng.normal(size=(num, 8)) @ weight.T + 0.5 * rng.normal(size=(num, 60))

    train, test, truth = real(2000), real(200), real(500)
    centres = KMeans(100, n_init=1, random_state=0).fit(train).cluster_centers_
    memorised = centres[rng.integers(100, size=500)]
    of_truth, of_centres = (
        parzen(test, [one], BANDWIDTHS).mean(axis=1).max() for one in (truth, memorised)
    )
    assert of_centres > of_truth
