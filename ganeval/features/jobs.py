"""Which features to collect: a job for each source, cut into one task per shard."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ganeval.features.extraction import Wanted
from ganeval.features.shards import SHARD_SIZE
from ganeval.sources.base import Source

Opens = Callable[[], Source]
"""Opens a source again; it can be sent to another process and opens the source there too."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """The features wanted from one source. An engine knows nothing else of a run.

    Attributes:
        location: The source's name in messages and in the progress.
        source: Where the items are.
        indices: The items to use, in order.
        wanted: The networks, each with its wanted layers.
        opens: Opens the source in another process; None for a source in memory.
        labels: The class of each item; None if no metric asks for it.
        clusters: The cluster of each item, int64; None if items are independent.
    """

    location: str
    source: Source
    indices: Sequence[int]
    wanted: Wanted
    opens: Opens | None
    labels: tuple[str, ...] | None = None
    clusters: npt.NDArray[np.int64] | None = None

    @property
    def noun(self) -> str:
        """Plural noun of the items in messages: "images", "clips", "pairs"."""
        return self.source.info.noun


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardTask:
    """The task of making one shard.

    Attributes:
        job: The job that it is a part of.
        indices: Indices of its items, in order.
        start: Position of its first item in the job.
    """

    job: Job
    indices: Sequence[int]
    start: int

    @property
    def total(self) -> int:
        """Number of items of the whole job."""
        return len(self.job.indices)


def cut(job: Job) -> list[ShardTask]:
    """Cut a job into the tasks of its shards, in order."""
    return [
        ShardTask(job=job, indices=job.indices[start : start + SHARD_SIZE], start=start)
        for start in range(0, len(job.indices), SHARD_SIZE)
    ]
