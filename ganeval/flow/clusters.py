"""Clusters of items that are not independent of one another, found by a rule for their names."""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from ganeval.errors import InputError
from ganeval.sources.base import Source
from ganeval.sources.clusters import ClusterBy, cluster_names

Clusters = npt.NDArray[np.int64]

FEWEST = 20
"""The fewest clusters of a source whose spread gives a useful standard error."""


def find_clusters(
    source: Source, indices: Sequence[int], location: str, by: ClusterBy | None
) -> Clusters | None:
    """Return the cluster number of each item of a source, int64 [N].

    None if items are independent: clusters were not asked for, the items have no names, or no
    two of them belong together.

    Args:
        source: The source.
        indices: The items that are used.
        location: Name of the source in messages.
        by: The rule; None if clusters were not asked for.

    Raises:
        InputError: The rule finds fewer than 20 clusters.
    """
    names = None if by is None else cluster_names(source, by)
    if names is None:
        return None
    number = {name: at for at, name in enumerate(dict.fromkeys(names))}
    if len(number) == len(names):
        return None
    num = len({names[index] for index in indices})
    if num < min(FEWEST, len(indices)):
        other = "folder" if by == "name-prefix" else "name-prefix"
        raise InputError(
            f"{location}: {num} cluster{'s' * (num > 1)} of {len(indices):,} {source.info.noun} by "
            f"--cluster-by {by}",
            f"at least {FEWEST} for an error over clusters",
            f"use --cluster-by {other}, or leave it out",
        )
    return np.fromiter((number[name] for name in names), np.int64, len(names))


def clusters_of_pairs(
    places: npt.NDArray[np.int64], one: Clusters | None, other: Clusters | None, *, same: bool
) -> Clusters | None:
    """Return the cluster of each pair, int64 [pairs]; None if pairs are independent.

    Two pairs belong together if they share a cluster on either side. So do all pairs that are
    linked in this way through others.

    Args:
        places: The indices of both items of each pair, int [pairs, 2].
        one: The cluster of each item of the first source.
        other: The same for the other source.
        same: Whether both are one source.
    """
    if one is None and other is None:
        return None
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first, second = (
        column if clusters is None else clusters[column]
        for column, clusters in zip(np.asarray(places).T, (one, other), strict=True)
    )
    start = 0 if same else int(first.max()) + 1
    num = start + int(max(first.max(), second.max())) + 1
    links = coo_array((np.ones(len(first)), (first, start + second)), shape=(num, num))
    components = connected_components(links, directed=False)[1]
    found: Clusters = components[first].astype(np.int64)
    return found


def clusters_of_parts(wholes: Clusters, clusters: Clusters | None) -> Clusters | None:
    """Return the cluster of each part of items, int64 [parts]; None if parts are independent.

    Parts of one item belong together. So do the parts of all items of one cluster.

    Args:
        wholes: The item of each part.
        clusters: The cluster of each item, int64 [items]; None if items are independent.
    """
    found = wholes if clusters is None else clusters[wholes]
    values, first, places = np.unique(found, return_index=True, return_inverse=True)
    if len(values) == len(found):
        return None
    number = np.empty(len(values), np.int64)
    number[np.argsort(first)] = np.arange(len(values))  # in the order of first appearance
    numbered: Clusters = number[places]
    return numbered


def clusters_digest(clusters: Clusters) -> str:
    """Return the hex SHA-256 of which items belong together, in their order."""
    return hashlib.sha256(clusters.astype("<i8").tobytes()).hexdigest()


def no_effect(by: ClusterBy | None, clusters: Iterable[Clusters | None]) -> str | None:
    """Return a warning if clusters were asked for and no source has any; None otherwise."""
    if by is None or any(one is not None for one in clusters):
        return None
    return (
        f"--cluster-by {by} has no effect: no source has a cluster of more than one item, so every "
        "error assumes independent items"
    )
