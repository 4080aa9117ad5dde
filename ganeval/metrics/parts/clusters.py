"""Errors over clusters of images that are not independent: crops of one picture, or frames."""

import heapq

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
Clusters = npt.NDArray[np.int64]


def num_units(num: int, clusters: Clusters | None) -> int:
    """Return the number of independent units: clusters, or images if there are no clusters."""
    return num if clusters is None else len(np.unique(clusters))


def over_units(values: Values, clusters: Clusters | None) -> Values:
    """Return the influence of each independent unit from that of each image.

    With N images in C clusters, c_k = C / N times the sum over the images of cluster k. So the mean
    over clusters is the mean over images, and var(c, ddof=1) / C is the variance of the mean under
    any dependence within clusters: Liang and Zeger, "Longitudinal data analysis using generalized
    linear models", Biometrika 1986, equation 8 with working independence; with centred influences
    it is the variance of a ratio estimator in a sample of whole clusters (Cochran, "Sampling
    Techniques", 1977, section 9A.1), whose mean is over images and not over clusters of different
    sizes.

    Args:
        values: Influence of each image, float64 [N], with mean 0 unless all clusters have one size.
        clusters: The cluster of each image, int64 [N], every number from 0 to C - 1; None if every
            image is a unit.

    Returns:
        float64 [C]; `values` themselves without clusters.
    """
    if clusters is None:
        return values
    sums = np.bincount(clusters, weights=values)
    return np.asarray(sums * (len(sums) / len(values)), dtype=np.float64)


def parts_of(
    num: int, rng: np.random.Generator, clusters: Clusters | None, *, num_parts: int = 4
) -> tuple[Indices, ...]:
    """Return the indices of random parts of `num` images, made of whole clusters.

    They are random because the parts must be exchangeable, and names are often sorted by class.
    Clusters are dealt from the largest to the smallest, each to the part with the fewest images, so
    that parts differ by at most the largest cluster (Graham, "Bounds on Multiprocessing Timing
    Anomalies", SIAM Journal on Applied Mathematics 1969); clusters of one size come in random
    order, and so do the parts.

    Args:
        num: Number of images.
        rng: Random generator that deals the clusters.
        clusters: The cluster of each image, int64 [num]; None if every image is a unit.
        num_parts: Number of parts; at most the number of clusters.

    Returns:
        The parts, each in ascending order.
    """
    if clusters is None:
        return tuple(np.sort(part) for part in np.array_split(rng.permutation(num), num_parts))
    sizes = np.bincount(clusters)
    assert len(sizes) >= num_parts, "a part would be empty"
    shuffled = rng.permutation(len(sizes))
    largest_first = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    part_of = np.empty(len(sizes), np.int64)
    filled = [(0, part) for part in range(num_parts)]  # a heap
    for cluster in largest_first.tolist():
        size, part = filled[0]
        part_of[cluster] = part
        heapq.heapreplace(filled, (size + int(sizes[cluster]), part))
    # The first parts get the largest clusters, so that their order must be random too.
    order = rng.permutation(num_parts).tolist()
    return tuple(np.flatnonzero(part_of[clusters] == part) for part in order)
