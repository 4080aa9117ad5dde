"""While one shard is computed, the next one is read, and not more."""

import threading
from collections.abc import Sequence
from typing import Any

from ganeval.features.collect import _loaded
from ganeval.features.jobs import Job, ShardTask

SECONDS = 10  # until a test fails whose event never comes


class Watched:
    """A source that says which of its items were asked for."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.arrived = [threading.Event() for _ in range(4)]

    def load(self, indices: Sequence[int]) -> list[Any]:
        self.seen += indices
        for index in indices:
            self.arrived[index].set()
        return list(indices)


def test_the_next_shard_is_read_ahead() -> None:
    source: Any = Watched()
    job = Job(location="x", source=source, indices=range(4), wanted=(), opens=None)
    tasks = [ShardTask(job=job, indices=(at,), start=at) for at in range(4)]
    loaded = _loaded(tasks)
    assert next(loaded) == [0]
    assert source.arrived[1].wait(SECONDS)
    assert not source.arrived[2].is_set()
    assert [next(loaded), next(loaded), next(loaded)] == [[1], [2], [3]]
    assert list(loaded) == []
    assert source.seen == [0, 1, 2, 3]
