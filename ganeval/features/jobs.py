"""What is to be collected: a job for each source, cut into the tasks of single shards."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ganeval.features.extraction import Wanted
from ganeval.features.shards import SHARD_SIZE
from ganeval.sources.base import Source

Opens = Callable[[], Source]
"""Opens a source again, in another process too, which it can be sent to."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """The features that are wanted of one source: all that an engine knows of it.

    Attributes:
        location: What messages and the progress call the source.
        source: Where the items are.
        indices: The items to use, in order.
        wanted: The networks, each with the layers that are wanted of it.
        opens: Opens the source in another process; None for one in memory.
        labels: The class of each of the items, where a metric asks for it.
        clusters: The cluster of each of the items, int64; None if items are independent.
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
    """What one shard is made of.

    Attributes:
        job: What it is a part of.
        indices: Indices of its items, in order.
        start: Place of its first item among all of the job.
    """

    job: Job
    indices: Sequence[int]
    start: int

    @property
    def total(self) -> int:
        """Number of items of the whole job."""
        return len(self.job.indices)


def cut(job: Job) -> list[ShardTask]:
    """Return the shards of a job, in order."""
    return [
        ShardTask(job=job, indices=job.indices[start : start + SHARD_SIZE], start=start)
        for start in range(0, len(job.indices), SHARD_SIZE)
    ]
