"""One pass over a source: read and decode the items, run the networks, store the shards."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from ganeval.errors import GanevalError, InputError, one_line
from ganeval.features.collected import Features
from ganeval.features.extraction import Place, Wanted
from ganeval.features.jobs import Job, ShardTask, cut
from ganeval.features.shards import ShardInfo, ShardStore, shard_key
from ganeval.machine.ahead import in_order
from ganeval.machine.progress import Progress
from ganeval.sources.base import Item
from ganeval.sources.unusable import LOOKED_AT, unusable_items


class Interrupted(KeyboardInterrupt):
    """The user stopped the work; the message says how far it got."""


def collect(
    job: Job, store: ShardStore, *, pool: Executor, skip_bad: bool, progress: Progress
) -> Features:
    """Return the features of a job, computing only what is missing.

    Raises:
        InputError: An item cannot be used (unless `skip_bad`), changed while it was read, or a
            network returned NaN.
        Interrupted: Ctrl-C; finished shards stay.
    """
    parts: list[CollectedShard] = []
    tasks, total = cut(job), len(job.indices)
    try:
        progress(job.location, 0, total, job.noun)
        for part in collect_parts(tasks, store, pool=pool, progress=progress):
            parts.append(part)
            if part.info.skipped and not skip_bad:
                raise bad_items(job, part, tasks[len(parts) :], pool)
    except KeyboardInterrupt as error:
        done = sum(len(task.indices) for task in tasks[: len(parts)])
        raise Interrupted(
            f"interrupted: {done:,} of {total:,} {job.noun} of {job.location} are in the cache; "
            "run the same command again to go on"
        ) from error
    return join(store, job.wanted, parts, labels=job.labels, clusters=job.clusters, noun=job.noun)


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectedShard:
    """A part of a source whose wanted features are all in the store.

    Attributes:
        info: Number of rows, decoding notes and skipped items.
        keys: Keys of its shards, by network and layer.
        digests: Content digests of all its items.
        computed: Whether any of the features had to be computed.
    """

    info: ShardInfo
    keys: Mapping[Place, str]
    digests: tuple[bytes, ...]
    computed: bool


def collect_parts(
    tasks: Sequence[ShardTask], store: ShardStore, *, pool: Executor, progress: Progress
) -> Iterator[CollectedShard]:
    """Yield the shards, in order, found in the store or computed; see `collect_shard`."""
    for task, items in zip(tasks, _loaded(tasks), strict=True):
        job = task.job
        tell = partial(_offset_progress, progress, task)
        settings = job.source.info.settings
        part = collect_shard(items, settings, job.wanted, store, pool=pool, tell=tell)
        tell(len(items))
        yield part


def _loaded(tasks: Sequence[ShardTask]) -> Iterator[list[Item]]:
    """Yield the items of each shard, read while the previous shard is worked on."""
    with ThreadPoolExecutor(1, thread_name_prefix="read") as reader:
        loading: Future[list[Item]] | None = None
        for task in tasks:
            following = reader.submit(task.job.source.load, task.indices)
            if loading is not None:
                yield loading.result()
            loading = following
        if loading is not None:
            yield loading.result()


def join(
    store: ShardStore,
    wanted: Wanted,
    parts: Sequence[CollectedShard],
    *,
    labels: tuple[str, ...] | None,
    clusters: npt.NDArray[np.int64] | None,
    noun: str,
) -> Features:
    """Join `parts` into the features of one source."""
    return Features(
        store=store,
        keys={
            (network.name, layer): tuple(part.keys[network.name, layer] for part in parts)
            for network, layers in wanted
            for layer in layers
        },
        infos=tuple(part.info for part in parts),
        digests=tuple(
            digest
            for part in parts
            for at, digest in enumerate(part.digests)
            if at not in part.info.skipped
        ),
        num_computed=sum(part.info.num for part in parts if part.computed),
        all_labels=labels,
        all_clusters=clusters,
        noun=noun,
    )


def shard_keys(
    settings: Mapping[str, object], wanted: Wanted, digests: Sequence[bytes]
) -> dict[Place, str]:
    """Return the keys of the shards of some items, by network and layer.

    Args:
        settings: Settings of the source: all options that change the items' content.
        wanted: The networks and layers.
        digests: Digests of the items, in order.
    """
    return {
        (network.name, layer): shard_key(
            {"settings": dict(settings), **network.identity(), "layer": layer}, digests
        )
        for network, layers in wanted
        for layer in layers
    }


def collect_shard(
    items: Sequence[Item],
    settings: Mapping[str, object],
    wanted: Wanted,
    store: ShardStore,
    *,
    pool: Executor,
    tell: Callable[[int], None],
) -> CollectedShard:
    """Find the shards of `items` in the store, and compute those that are missing.

    The items are decoded once for all networks. When a network runs, its default layers are stored
    too. Items that cannot be used are listed in `info.skipped`; the caller decides whether that is
    an error.
    """
    digests = [item.digest for item in items]
    keys = shard_keys(settings, wanted, digests)
    found = {place: store.find(key) for place, key in keys.items()}
    missing = [
        (network, [layer for layer in layers if found[network.name, layer] is None])
        for network, layers in wanted
    ]
    missing = [(network, layers) for network, layers in missing if layers]
    if missing:
        running = [
            (network, [*layers, *(one for one in network.info.default_layers if one not in layers)])
            for network, layers in missing
        ]
        from ganeval.features.compute import compute  # loads torch

        all_keys = shard_keys(settings, running, digests)
        computed, info = compute(items, running, pool, tell)
        asked = {(network.name, layer) for network, layers in missing for layer in layers}
        for place, rows in computed.items():
            if place in asked or not store.has(all_keys[place]):
                store.write(all_keys[place], rows, info)
    else:
        known = [one for one in found.values() if one is not None]
        # Without a network nothing is decoded: there are no notes and no skipped items.
        info = known[0] if known else ShardInfo(num=len(items), notes={}, skipped={})
    info = name_skipped(info, items)
    return CollectedShard(keys=keys, info=info, digests=tuple(digests), computed=bool(missing))


def name_skipped(info: ShardInfo, items: Sequence[Item]) -> ShardInfo:
    """Put the current names of the items before the reasons why they were skipped."""
    reasons = {at: one_line(items[at].name) + reason for at, reason in info.skipped.items()}
    return replace(info, skipped=reasons)


def bad_items(
    job: Job, part: CollectedShard, rest: Sequence[ShardTask], pool: Executor
) -> GanevalError:
    """Return the error for a shard with items that cannot be used, after decoding the `rest`.

    Decoding is cheap compared with the network, and so one run names everything to repair.
    """
    reasons = list(part.info.skipped.values())
    left = LOOKED_AT
    for task in rest:
        items = job.source.load(task.indices[:left])
        left -= len(items)
        for result in in_order(pool, _try_decode, items, ahead=64):
            if result is not None:
                reasons.append(result)
    return unusable_items(
        job.location,
        reasons,
        num=len(reasons),
        total=len(job.indices),
        content=job.source.info.content,
    )


def _try_decode(item: Item) -> str | None:
    """Return why an item cannot be used, or None."""
    try:
        item.content()
    except InputError as error:
        return str(error)
    return None


def _offset_progress(progress: Progress, task: ShardTask, done: int) -> None:
    """Report the progress within a shard as progress within its source."""
    progress(task.job.location, task.start + done, task.total, task.job.noun)
