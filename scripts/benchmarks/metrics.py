"""The metrics on features that are there: Frechet term, neighbours, kernel."""

import os
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import scipy.linalg
from prdc import compute_prdc
from sklearn.metrics.pairwise import polynomial_kernel

from benchmarks.timing import Figure, alternate, times_faster
from ganeval.features.moments import Moments
from ganeval.machine.resources import Resources
from ganeval.metrics.base import Metric
from ganeval.metrics.kernel import Kid
from ganeval.metrics.neighbours import DensityCoverage, PrecisionRecall
from ganeval.metrics.parts.linalg import frechet_distance
from tests.summaries import InMemory, inputs

WIDTH = 2048
Rows = npt.NDArray[np.float32]


def metric_figures(num: int, rounds: int) -> Iterator[Figure]:
    """Yield the times of each metric beside a peer's, `num` features a side."""
    yield frechet_figure(rounds)
    sample, reference = _features(num, 0, 0.1), _features(num, 1, 0.0)
    best = alternate(
        {
            "ganeval": lambda: _compute(sample, reference, PrecisionRecall(k=5), DensityCoverage()),
            "prdc": lambda: compute_prdc(reference, sample, nearest_k=5),
        },
        rounds,
    )
    work = f"precision, recall, density, coverage, {num:,} x {num:,} x {WIDTH:,}"
    yield times_faster(work, best.pop("ganeval"), best, wanted=">= 3.5 x")
    best = alternate(
        {
            "ganeval": lambda: _compute(sample, reference, Kid()),
            "scikit-learn's kernel": lambda: _kernel_means(sample, reference),
        },
        rounds,
    )
    work = f"KID over all pairs with its error, {num:,} x {num:,} x {WIDTH:,}"
    yield times_faster(work, best.pop("ganeval"), best)


def frechet_figure(rounds: int) -> Figure:
    """Return the time of the Frechet term beside that of `scipy.linalg.sqrtm`."""
    one, other = (Moments.of(_features(2 * WIDTH, seed, 0.0)) for seed in range(2))
    product = one.covariance() @ other.covariance()
    best = alternate(
        {
            "ganeval": lambda: frechet_distance(one, other),
            "sqrtm": lambda: scipy.linalg.sqrtm(product),
        },
        rounds,
    )
    work = f"Frechet term, {WIDTH:,} dimensions"
    return times_faster(work, best.pop("ganeval"), best, wanted=">= 10 x")


def _features(num: int, seed: int, shift: float) -> Rows:
    """Return skewed features of dependent dimensions, float32 [num, WIDTH]."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(9).normal(size=(WIDTH, WIDTH)) / WIDTH**0.5
    rows = rng.standard_normal((num, WIDTH)) @ mixing + shift
    skewed: Rows = np.maximum(rows, 0).astype(np.float32)
    return skewed


def _compute(sample: Rows, reference: Rows, *metrics: Metric) -> None:
    """Compute metrics as one run does, on all cores."""
    resources = Resources(threads=os.cpu_count() or 1)
    summaries = {
        "sample": InMemory(sample, resources=resources),
        "reference": InMemory(reference, resources=resources),
    }
    for metric in metrics:
        metric.compute(inputs(metric, summaries), np.random.default_rng(0))


def _kernel_means(sample: Rows, reference: Rows) -> float:
    """Return the plain estimate of KID, in blocks that fit into memory."""
    total = 0.0
    for one, other in ((sample, sample), (reference, reference), (sample, reference)):
        for start in range(0, len(one), 1000):
            block = one[start : start + 1000].astype(np.float64)
            total += float(polynomial_kernel(block, other.astype(np.float64), degree=3).sum())
    return total
