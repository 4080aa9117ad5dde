"""What processes that share the work must agree on, and how their shards are joined."""

import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from ganeval.errors import TeamError
from ganeval.features.collect import CollectedShard, bad_items, join, name_skipped, shard_keys
from ganeval.features.collected import Features
from ganeval.features.extraction import Extraction
from ganeval.features.jobs import Job, ShardTask, cut
from ganeval.features.shards import ShardInfo, ShardStore
from ganeval.sources.base import Source
from ganeval.version import __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeShard:
    """The report on a shard by its maker; the keys of the shard follow from it.

    Attributes:
        digests: Digests of all its items, in order.
        computed: Whether any of its features had to be computed.
    """

    digests: tuple[bytes, ...]
    computed: bool


def conditions(network: Extraction) -> dict[str, str]:
    """Return what must be the same for all makers of shards, by its name in messages."""
    identity = network.identity()
    weights = identity.pop("extractor")
    versions = {"ganeval": __version__} | {name: identity.pop(name) for name in ("torch", "pillow")}
    return {
        "the versions of ganeval, torch or Pillow": json.dumps(versions),
        "the extractor or its weights": json.dumps(weights),
        "device, precision, batch size or preprocessing": json.dumps(identity, sort_keys=True),
    }


def all_conditions(networks: Iterable[Extraction]) -> dict[str, str]:
    """Return the conditions of several networks together."""
    found: dict[str, str] = {}
    for network in networks:
        for name, value in conditions(network).items():
            found[name] = found.get(name, "") + value
    return found


def networks_of(jobs: Sequence[Job]) -> list[Extraction]:
    """Return the networks of all jobs, each once."""
    found = {network.name: network for job in jobs for network, _ in job.wanted}
    return list(found.values())


def pictures(source: Source) -> str:
    """Return what is known about a source's items before they are read, as JSON."""
    info = source.info
    sizes = sorted(info.sizes.items())
    known = [info.kind, info.count, dict(info.settings), sizes, info.fingerprint]
    return json.dumps(known, sort_keys=True)


def join_jobs(
    jobs: Sequence[Job],
    made: Iterable[MadeShard],
    store: ShardStore,
    pool: Executor,
    *,
    skip_bad: bool,
) -> Iterator[Features]:
    """Yield the features of each job from the reports on its shards.

    Args:
        jobs: The jobs.
        made: A report for each task of each job, in order.
        store: The store that must contain all shards.
        pool: Threads for decoding.
        skip_bad: Leave out items that cannot be used.

    Raises:
        TeamError: A shard is missing from the store.
        InputError: An item cannot be used (unless `skip_bad`).
    """
    rest = iter(made)
    for job in jobs:
        tasks, parts = cut(job), []
        for task in tasks:
            part = _found(task, next(rest), store)
            parts.append(part)
            if part.info.skipped and not skip_bad:
                raise bad_items(job, part, tasks[len(parts) :], pool)
        yield join(
            store, job.wanted, parts, labels=job.labels, clusters=job.clusters, noun=job.noun
        )


def _found(task: ShardTask, made: MadeShard, store: ShardStore) -> CollectedShard:
    """Return a reported shard as the store has it."""
    keys = shard_keys(task.job.source.info.settings, task.job.wanted, made.digests)
    infos = [store.find(key) for key in keys.values()]
    for key, info in zip(keys.values(), infos, strict=True):
        if info is None:
            raise TeamError(
                f"{store.path(key)}: not there, though another process has made it",
                "a cache that all processes share",
                "name a folder on a shared file system with --cache-dir",
            )
    known = [one for one in infos if one is not None]
    info = known[0] if known else ShardInfo(num=len(made.digests), notes={}, skipped={})
    if info.skipped:
        info = name_skipped(info, task.job.source.load(task.indices))
    return CollectedShard(keys=keys, info=info, digests=made.digests, computed=made.computed)
