"""Shards that this process computes alone."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor

from ganeval.features.collect import collect
from ganeval.features.collected import Features
from ganeval.features.jobs import Job
from ganeval.features.shards import ShardStore
from ganeval.machine.progress import Progress


def collect_here(
    jobs: Sequence[Job], store: ShardStore, pool: Executor, *, skip_bad: bool, progress: Progress
) -> Iterator[Features]:
    """Yield the features of each job; nothing is computed before it is asked for.

    Raises:
        InputError: An item cannot be used.
        Interrupted: Ctrl-C; finished shards stay.
    """
    for job in jobs:
        yield collect(job, store, pool=pool, skip_bad=skip_bad, progress=progress)
