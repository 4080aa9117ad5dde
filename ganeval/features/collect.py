"""One pass over a source: read, decode, run the network, keep the features as shards."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from ganeval.ahead import in_order
from ganeval.errors import GanevalError, InputError, one_line
from ganeval.features.compute import Recipe, compute
from ganeval.features.derived import Arrays, Compute, Options, derived_key, find_or_derive
from ganeval.features.moments import Moments, merge_all
from ganeval.features.shards import SHARD_SIZE, ShardInfo, ShardStore, shard_key
from ganeval.progress import Progress
from ganeval.refusals import LOOKED_AT, unusable_pictures
from ganeval.resources import Resources
from ganeval.sources.base import Item, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """The features of one source, in its order; what metrics call a summary.

    Attributes:
        store: Where the shards are.
        keys: Their keys, in order.
        infos: What is known of each.
        digests: Content digest of every image that has a row.
        num_computed: How many images went through the network this time; the others were found.
    """

    store: ShardStore
    keys: tuple[str, ...]
    infos: tuple[ShardInfo, ...]
    digests: tuple[bytes, ...]
    num_computed: int
    _rows: dict[str, npt.NDArray[np.float32]] = field(
        default_factory=dict, repr=False, compare=False
    )
    _derived: dict[str, Arrays] = field(default_factory=dict, repr=False, compare=False)

    @property
    def num(self) -> int:
        """Number of images."""
        return len(self.digests)

    @property
    def digest(self) -> str:
        """Hex SHA-256 over the images' content digests in order."""
        return hashlib.sha256(b"".join(self.digests)).hexdigest()

    @property
    def notes(self) -> dict[str, int]:
        """How many pictures each decoding note applies to."""
        total: Counter[str] = Counter()
        for info in self.infos:
            total.update(info.notes)
        return dict(sorted(total.items()))

    @property
    def skipped(self) -> tuple[str, ...]:
        """The reasons, each beginning with the item's name, for items that gave no row."""
        return tuple(reason for info in self.infos for reason in info.skipped.values())

    def places(self) -> list[int]:
        """Return for each row the place of its image among all that were asked for."""
        places: list[int] = []
        start = 0
        for info in self.infos:
            stop = start + info.num + len(info.skipped)
            places += [at for at in range(start, stop) if at - start not in info.skipped]
            start = stop
        return places

    @property
    def key(self) -> str:
        """Hex SHA-256 over the keys of the shards: equal for equal features."""
        return hashlib.sha256("".join(self.keys).encode("ascii")).hexdigest()

    @property
    def resources(self) -> Resources:
        """What metrics may use of the machine."""
        return self.store.resources

    def moments(self, layer: str) -> Moments:
        """Return mean and scatter of a layer, merged in the order of the shards."""

        def merge() -> Arrays:
            merged = merge_all(Moments.of(rows) for rows in self._shards(layer))
            return {"mean": merged.mean, "scatter": merged.scatter}

        arrays = self.derived(layer, "moments", {}, merge)
        return Moments(self.num, arrays["mean"], arrays["scatter"])

    def derived(
        self, layer: str, name: str, options: Options, compute: Compute, *, keep: bool = True
    ) -> Arrays:
        """Return what `compute` derives from a layer, once in a run and, if kept, once for all.

        Args:
            layer: The layer.
            name: What it is.
            options: What else it depends on.
            compute: Computes it.
            keep: Whether it is worth a file in the cache.
        """
        key = derived_key(name, options, layer, self.keys)
        if key not in self._derived:
            if keep:
                size = partial(self._num_bytes, layer)
                self._derived[key] = find_or_derive(self.store, key, compute, most_bytes=size)
            else:
                self._derived[key] = compute()
        return self._derived[key]

    def forget(self) -> None:
        """Let go of the rows and derived values that this run holds in memory."""
        self._rows.clear()
        self._derived.clear()

    def rows(self, layer: str) -> npt.NDArray[np.float32]:
        """Return a layer's features, float32 [num, width]; a large matrix is mapped from disk."""
        if layer not in self._rows:
            self._rows[layer] = self._join_rows(layer)
        return self._rows[layer]

    def _join_rows(self, layer: str) -> npt.NDArray[np.float32]:
        """Return all rows of a layer in one matrix."""
        shards = self._shards(layer)
        first = next(shards)
        rows = self.store.matrix(self.num, first.shape[1])
        start = 0
        for part in (first, *shards):
            rows[start : start + len(part)] = part
            start += len(part)
        rows.flags.writeable = False
        return rows

    def some(self, layer: str, rows: Sequence[int]) -> npt.NDArray[np.float32]:
        """Return the features of a few images in the order given, float32 [len(rows), width]."""
        found: dict[int, npt.NDArray[np.float32]] = {}
        start = 0
        for part in self._shards(layer):
            stop = start + len(part)
            found |= {row: part[row - start] for row in rows if start <= row < stop}
            start = stop
        return np.stack([found[row] for row in rows])

    def _num_bytes(self, layer: str) -> int:
        """Return the size of a layer's features."""
        some = self._rows.get(layer)
        if some is None:
            some = next(self._shards(layer))
        return some.nbytes // len(some) * self.num

    def _shards(self, layer: str) -> Iterator[npt.NDArray[np.float32]]:
        """Yield the rows of each shard that has any."""
        for key, info in zip(self.keys, self.infos, strict=True):
            if info.num:
                yield self.store.rows(key, layer)


class Interrupted(KeyboardInterrupt):
    """The user stopped the work; the message says how far it came."""


def collect(
    source: Source,
    indices: Sequence[int],
    recipe: Recipe,
    store: ShardStore,
    *,
    pool: Executor,
    skip_bad: bool,
    progress: Progress,
) -> Features:
    """Return the features of the items of `source` at `indices`, computing only missing shards.

    Raises:
        InputError: A picture cannot be used (unless `skip_bad`), changed while it was read, or the
            network returned NaN.
        Interrupted: Ctrl-C; finished shards stay.
    """
    parts: list[CollectedShard] = []
    total = len(indices)
    label = source.info.location
    try:
        progress(label, 0, total)
        tasks = cut(source, indices)
        for part in collect_parts(tasks, recipe, store, pool=pool, progress=progress):
            parts.append(part)
            if part.info.skipped and not skip_bad:
                raise bad_pictures(label, part, tasks[len(parts) :], total, pool)
    except KeyboardInterrupt as error:
        done = SHARD_SIZE * len(parts)
        raise Interrupted(
            f"interrupted: {done:,} of {total:,} images of {label} are in the cache; "
            "run the same command again to go on"
        ) from error
    return join(store, parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardTask:
    """What one shard is made of.

    Attributes:
        source: Where its items are.
        indices: Of its items, in order.
        start: Place of its first item among all that are asked for of the source.
        total: How many these are.
    """

    source: Source
    indices: Sequence[int]
    start: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectedShard:
    """One shard that is in the store now."""

    key: str
    info: ShardInfo
    digests: tuple[bytes, ...]
    computed: bool


def cut(source: Source, indices: Sequence[int]) -> list[ShardTask]:
    """Return the shards of the items of `source` at `indices`, in order."""
    total = len(indices)
    return [
        ShardTask(
            source=source, indices=indices[start : start + SHARD_SIZE], start=start, total=total
        )
        for start in range(0, total, SHARD_SIZE)
    ]


def collect_parts(
    tasks: Sequence[ShardTask],
    recipe: Recipe,
    store: ShardStore,
    *,
    pool: Executor,
    progress: Progress,
) -> Iterator[CollectedShard]:
    """Find the shards in the store or compute them, one after the other; see `collect_shard`."""
    for task, items in zip(tasks, _loaded(tasks), strict=True):
        label = task.source.info.location
        tell = partial(_offset_progress, progress, label, task.start, task.total)
        identity = recipe.identity(task.source.info.settings)
        part = collect_shard(items, identity, recipe, store, pool=pool, tell=tell)
        tell(len(items))
        yield part


def _loaded(tasks: Sequence[ShardTask]) -> Iterator[list[Item]]:
    """Yield the items of each shard, read while the shard before is worked on."""
    with ThreadPoolExecutor(1, thread_name_prefix="read") as reader:
        loading: Future[list[Item]] | None = None
        for task in tasks:
            following = reader.submit(task.source.load, task.indices)
            if loading is not None:
                yield loading.result()
            loading = following
        if loading is not None:
            yield loading.result()


def join(store: ShardStore, parts: Sequence[CollectedShard]) -> Features:
    """Return the features of all `parts` as those of one source."""
    return Features(
        store=store,
        keys=tuple(part.key for part in parts),
        infos=tuple(part.info for part in parts),
        digests=tuple(digest for part in parts for digest in part.digests),
        num_computed=sum(part.info.num for part in parts if part.computed),
    )


def collect_shard(
    items: Sequence[Item],
    identity: Mapping[str, object],
    recipe: Recipe,
    store: ShardStore,
    *,
    pool: Executor,
    tell: Callable[[int], None],
) -> CollectedShard:
    """Find the shard of `items` in the store, or compute it and put it there.

    Pictures that cannot be used are listed in its `info.skipped`; the caller decides whether that
    is an error.
    """
    digests = [item.digest for item in items]
    key = shard_key(identity, digests)
    info = store.find(key, recipe.layers)
    computed = info is None
    if info is None:
        layers, info = compute(items, recipe, pool, tell)
        store.write(key, layers, info)
    info = name_skipped(info, items)
    kept = tuple(digest for at, digest in enumerate(digests) if at not in info.skipped)
    return CollectedShard(key=key, info=info, digests=kept, computed=computed)


def name_skipped(info: ShardInfo, items: Sequence[Item]) -> ShardInfo:
    """Return what a shard says of its items with the names that these have now."""
    reasons = {at: one_line(items[at].name) + reason for at, reason in info.skipped.items()}
    return replace(info, skipped=reasons)


def bad_pictures(
    location: str, part: CollectedShard, rest: Sequence[ShardTask], total: int, pool: Executor
) -> GanevalError:
    """Return the error for a shard with pictures that cannot be used, after a look at the `rest`.

    Of the source `total` pictures are asked for.

    Decoding is cheap beside the network, and one run then names what there is to repair.
    """
    reasons = list(part.info.skipped.values())
    left = LOOKED_AT
    for task in rest:
        items = task.source.load(task.indices[:left])
        left -= len(items)
        for result in in_order(pool, _try_decode, items, ahead=64):
            if result is not None:
                reasons.append(result)
    return unusable_pictures(location, reasons, num=len(reasons), total=total)


def _try_decode(item: Item) -> str | None:
    """Return why an item cannot be used, or None."""
    try:
        item.content()
    except InputError as error:
        return str(error)
    return None


def _offset_progress(progress: Progress, label: str, start: int, total: int, done: int) -> None:
    """Tell the progress of a shard as that of its source."""
    progress(label, start + done, total)
