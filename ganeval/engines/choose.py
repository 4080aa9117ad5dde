"""The one place that chooses where shards are computed."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Protocol

from ganeval.engines.local import collect_here
from ganeval.features.collected import Features
from ganeval.features.jobs import Job
from ganeval.features.shards import ShardStore
from ganeval.machine.progress import Progress
from ganeval.machine.team import Team


class Engine(Protocol):
    """Computes the missing features of jobs. It knows nothing else of a run."""

    def __call__(
        self,
        jobs: Sequence[Job],
        store: ShardStore,
        pool: Executor,
        *,
        skip_bad: bool,
        progress: Progress,
    ) -> Iterator[Features]:
        """Yield the features of each job, in order, when all its shards are in the store."""


def choose_engine(name: str, team: Team, workers: int | None) -> Engine:
    """Return the engine that computes the shards of a run.

    Args:
        name: "local" or "ray".
        team: The processes that torchrun started; a single one without torchrun.
        workers: CPUs for one shard on a Ray cluster; None for 1, or for the CPUs per GPU if GPUs
            compute.
    """
    if team.size > 1:
        from ganeval.engines.torchrun import collect_together

        return partial(collect_together, team)
    if name == "ray":
        from ganeval.engines.ray_cluster import collect_on_ray

        return partial(collect_on_ray, workers)
    return collect_here
