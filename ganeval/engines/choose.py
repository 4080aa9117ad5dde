"""The one place that chooses where shards are computed."""

from collections.abc import Callable, Iterator, Sequence

from ganeval.engines.local import collect_here
from ganeval.features.collect import Features
from ganeval.plan import Side
from ganeval.settings import Settings
from ganeval.workspace import Workspace

Engine = Callable[[Sequence[Side], Workspace, Settings], Iterator[Features]]
"""Yields the features of each side, in order, when all its shards are in the store."""


def prepare_engine(settings: Settings) -> Settings:
    """Look for the machines that a run is for, which say what device "auto" means.

    Raises:
        TeamError: They cannot be reached.
    """
    if settings.engine == "ray":
        from ganeval.engines.ray_cluster import find_cluster

        return find_cluster(settings)
    return settings


def choose_engine(settings: Settings) -> Engine:
    """Return what computes the shards of a run."""
    if settings.team.size > 1:
        from ganeval.engines.torchrun import collect_together

        return collect_together
    if settings.engine == "ray":
        from ganeval.engines.ray_cluster import collect_on_ray

        return collect_on_ray
    return collect_here
