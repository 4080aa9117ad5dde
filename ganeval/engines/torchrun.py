"""Shards that the processes of torchrun compute together: process r takes r, r + W, r + 2 W, ...

No process waits for another within the loop. It reports each finished shard to the first process
by a call that goes on in the background. The call fails if a process is gone or has not reported
for too long; this is noticed between two shards.
"""

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor

from ganeval.engines.sharing import (
    MadeShard,
    all_conditions,
    join_jobs,
    networks_of,
    pictures,
)
from ganeval.features.collect import CollectedShard, Interrupted, bad_items, collect_parts
from ganeval.features.collected import Features
from ganeval.features.jobs import Job, ShardTask, cut
from ganeval.features.shards import SHARD_SIZE, ShardStore
from ganeval.machine.progress import Progress
from ganeval.machine.team import Message, Team
from ganeval.sources.base import plural

_DIGEST_BYTES = 32
_REPORT_BYTES = 1 + SHARD_SIZE * _DIGEST_BYTES  # see _pack


def collect_together(
    team: Team,
    jobs: Sequence[Job],
    store: ShardStore,
    pool: Executor,
    *,
    skip_bad: bool,
    progress: Progress,
) -> Iterator[Features]:
    """Yield the features of each job on the first process; the others exit after their last shard.

    Raises:
        TeamError: The processes differ or do not share the cache, or one is gone.
        InputError: An item cannot be used.
        Interrupted: Ctrl-C; finished shards stay.
        SystemExit: On all but the first process, with 0: there is nothing more to do.
    """
    _agree(team, jobs, store)
    tasks = [task for job in jobs for task in cut(job)]
    try:
        messages = _work(tasks, store, pool, team, skip_bad=skip_bad, progress=progress)
        contents = [content for message in messages for content in message.wait()]
    except KeyboardInterrupt as error:
        raise Interrupted(
            "interrupted: finished shards are in the cache; run the same command again to go on"
        ) from error
    if not team.leads:
        raise SystemExit(0)
    made = [
        _unpack(content, len(task.indices))
        for task, content in zip(tasks, contents[: len(tasks)], strict=True)
    ]
    yield from join_jobs(jobs, made, store, pool, skip_bad=skip_bad)


def _statement(jobs: Sequence[Job], store: ShardStore) -> dict[str, str]:
    """Return what must be the same for all processes, by its name in messages."""
    chosen = [hashlib.sha256(array("q", job.indices)).hexdigest() for job in jobs]
    seen = {
        f"the {plural(job.source.info.content)} of {job.location}": pictures(job.source)
        for job in jobs
    }
    layers = [[network.name, *wanted] for job in jobs for network, wanted in job.wanted]
    return {
        **all_conditions(networks_of(jobs)),
        "the metrics": repr(layers),
        "the cache": store.url or "",
        **seen,
        "the choice of items": " ".join(chosen),
    }


def _agree(team: Team, jobs: Sequence[Job], store: ShardStore) -> None:
    """Check that all processes would make the same shards, and store them in one cache."""
    mark = store.mark_path(team.token)
    if team.leads:
        mark.touch()
    try:
        team.agree(_statement(jobs, store))
        # Processes that agree on a URL share it.
        seen = team.exchange(str(mark.exists() or store.url is not None))
    finally:
        if team.leads:
            mark.unlink(missing_ok=True)
    if "False" in seen:
        team.refuse(
            f"{team.name(seen.index('False'))} does not see the cache of {team.name(0)}, "
            f"{store.folder}",
            "a cache that all processes share",
            "name a folder on a shared file system with --cache-dir",
        )


def _work(
    tasks: Sequence[ShardTask],
    store: ShardStore,
    pool: Executor,
    team: Team,
    *,
    skip_bad: bool,
    progress: Progress,
) -> list[Message]:
    """Make this process's shards, reporting each; return one message for each round."""
    mine = tasks[team.rank :: team.size]
    parts = collect_parts(mine, store, pool=pool, progress=progress)
    messages: list[Message] = []
    num_checked = 0
    for number in range(-(-len(tasks) // team.size)):
        part = next(parts, None)
        if part is not None and part.info.skipped and not skip_bad:
            job = mine[number].job
            done = {task.start for task in mine[: number + 1] if task.job is job}
            rest = [task for task in tasks if task.job is job and task.start not in done]
            raise bad_items(job, part, rest, pool)
        messages.append(team.send(_pack(part), _REPORT_BYTES))
        while num_checked < len(messages) and messages[num_checked].is_done():
            messages[num_checked].wait()
            num_checked += 1
    return messages


def _pack(part: CollectedShard | None) -> bytes:
    """Return the report on a shard; without a shard it is empty."""
    return b"" if part is None else b"".join([bytes([part.computed]), *part.digests])


def _unpack(content: bytes, num: int) -> MadeShard:
    """Return a report on a shard of `num` items."""
    edges = range(1, 1 + num * _DIGEST_BYTES, _DIGEST_BYTES)
    digests = tuple(content[start : start + _DIGEST_BYTES] for start in edges)
    return MadeShard(digests=digests, computed=bool(content[0]))
