"""The collected features of a source, by network and layer, and facts about its items."""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ganeval.errors import MachineError
from ganeval.features.derived import Arrays, Derivation, MeanAndScatter, Rows, derived_key
from ganeval.features.extraction import Place
from ganeval.features.moments import Moments
from ganeval.features.shards import ShardInfo, ShardStore
from ganeval.machine.resources import Resources

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerFeatures:
    """The features of one source in one layer of one network; a `Summary`.

    The rows are in the order of the source's items.

    Attributes:
        store: Where the shards are.
        keys: Keys of the shards, in order.
        sizes: Number of rows of each shard.
        labels: The class of each row; None if no metric asks for labels.
        clusters: The cluster of each row; see `Summary.clusters`.
        noun: Plural noun of the items in messages.
    """

    store: ShardStore
    keys: tuple[str, ...]
    sizes: tuple[int, ...]
    labels: tuple[str, ...] | None
    clusters: npt.NDArray[np.int64] | None
    noun: str
    _rows: list[Rows] = field(default_factory=list, repr=False)
    _derived: dict[str, Arrays] = field(default_factory=dict, repr=False)

    @property
    def num(self) -> int:
        """Number of items."""
        return sum(self.sizes)

    @property
    def width(self) -> int:
        """Number of features of an item."""
        rows = self._rows[0] if self._rows else next(self.blocks())
        return int(rows.shape[1])

    @property
    def key(self) -> str:
        """Hex SHA-256 over the keys of the shards, the labels and the clusters of the rows."""
        content = hashlib.sha256("".join(self.keys).encode("ascii"))
        if self.labels is not None:
            content.update(repr(self.labels).encode("utf-8", "surrogatepass"))
        if self.clusters is not None:
            content.update(b"clusters" + self.clusters.astype("<i8").tobytes())
        return content.hexdigest()

    @property
    def resources(self) -> Resources:
        """How much of the machine metrics may use."""
        return self.store.resources

    def moments(self) -> Moments:
        """Return count, mean and scatter, merged in the order of the shards."""
        arrays = self.derived(MeanAndScatter())
        return Moments(self.num, arrays["mean"], arrays["scatter"])

    def parts(self) -> None:
        """Return None, because the rows are stored."""

    def rows(self) -> Rows:
        """Return the features, float32 [num, width]; a large matrix is mapped from disk."""
        if not self._rows:
            blocks = self.blocks()
            first = next(blocks)
            rows = self.store.matrix(self.num, first.shape[1])
            start = 0
            for part in (first, *blocks):
                rows[start : start + len(part)] = part
                start += len(part)
            rows.flags.writeable = False
            self._rows.append(rows)
        return self._rows[0]

    def blocks(self) -> Iterator[Rows]:
        """Yield the rows of each shard that is not empty."""
        for key, size in zip(self.keys, self.sizes, strict=True):
            if size:
                yield self.store.rows(key)

    def some(self, rows: Sequence[int]) -> Rows:
        """Return the features of a few items in the order given, float32 [len(rows), width]."""
        found: dict[int, npt.NDArray[np.float32]] = {}
        start = 0
        for part in self.blocks():
            stop = start + len(part)
            found |= {row: part[row - start] for row in rows if start <= row < stop}
            start = stop
        return np.stack([found[row] for row in rows])

    def derived(self, derivation: Derivation) -> Arrays:
        """Return what a derivation computes from these features.

        A result is computed once in a run. If `keep` is set, it is also stored for later runs,
        unless it is larger than the features: reading it would take as long as computing it.
        """
        key = derived_key(derivation, self.key)
        if key in self._derived:
            return self._derived[key]
        found: Arrays | None = self.store.find_derived(key) if derivation.keep else None
        if found is None:
            found = derivation(self)
            num_bytes = sum(array.nbytes for array in found.values())
            if derivation.keep and num_bytes <= 4 * self.num * self.width:
                try:
                    self.store.write_derived(key, found)
                except MachineError as error:  # the run does not need the file
                    log.warning("%s; it will be computed again", error)
        self._derived[key] = found
        return found

    def forget(self) -> None:
        """Let go of the rows and derived values that this run holds in memory."""
        self._rows.clear()
        self._derived.clear()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Features:
    """The collected features of one source, in the order of its items.

    Attributes:
        store: Where the shards are.
        keys: The keys of its shards, in order, by network and layer.
        infos: Row count, decoding notes and skipped items of each part of 1024 items.
        digests: Content digest of every item that has a row.
        num_computed: How many items went through a network in this run; the rest were cached.
        all_labels: The class of every requested item, also of skipped ones; None if the source has
            no classes or no metric asks for them.
        all_clusters: The cluster of every requested item, int64, also of skipped ones; None if the
            items are independent.
        noun: Plural noun of the items in messages.
    """

    store: ShardStore
    keys: Mapping[Place, tuple[str, ...]]
    infos: tuple[ShardInfo, ...]
    digests: tuple[bytes, ...]
    num_computed: int
    all_labels: tuple[str, ...] | None
    all_clusters: npt.NDArray[np.int64] | None
    noun: str
    _layers: dict[tuple[Place, bool], LayerFeatures] = field(default_factory=dict, repr=False)

    @property
    def num(self) -> int:
        """Number of items that have a row."""
        return len(self.digests)

    @property
    def digest(self) -> str:
        """Hex SHA-256 over the items' content digests in order."""
        return hashlib.sha256(b"".join(self.digests)).hexdigest()

    @property
    def content(self) -> str:
        """Hex SHA-256 over the items' content digests, whatever their order."""
        return hashlib.sha256(b"".join(sorted(self.digests))).hexdigest()

    @property
    def notes(self) -> dict[str, int]:
        """How many items each decoding note applies to."""
        total: Counter[str] = Counter()
        for info in self.infos:
            total.update(info.notes)
        return dict(sorted(total.items()))

    @property
    def skipped(self) -> tuple[str, ...]:
        """Why items gave no row; each reason begins with the item's name."""
        return tuple(reason for info in self.infos for reason in info.skipped.values())

    def places(self) -> list[int]:
        """Return the position of each row's item among all requested items."""
        places: list[int] = []
        start = 0
        for info in self.infos:
            stop = start + info.num + len(info.skipped)
            places += [at for at in range(start, stop) if at - start not in info.skipped]
            start = stop
        return places

    @property
    def clusters(self) -> npt.NDArray[np.int64] | None:
        """The cluster of each row; see `Summary.clusters`."""
        if self.all_clusters is None:
            return None
        _, first, which = np.unique(
            self.all_clusters[self.places()], return_index=True, return_inverse=True
        )
        if len(first) == len(which):
            return None
        rank = np.empty_like(first)
        rank[np.argsort(first)] = np.arange(len(first))
        return rank[which].astype(np.int64)

    def of(self, place: Place, *, labels: bool = False) -> LayerFeatures:
        """Return the features in a layer of a network, with the labels of the rows if asked to."""
        if (place, labels) not in self._layers:
            of_rows = None
            if labels and self.all_labels is not None:
                of_rows = tuple(self.all_labels[at] for at in self.places())
            self._layers[place, labels] = LayerFeatures(
                store=self.store,
                keys=self.keys[place],
                sizes=tuple(info.num for info in self.infos),
                labels=of_rows,
                clusters=self.clusters,
                noun=self.noun,
            )
        return self._layers[place, labels]

    def forget(self) -> None:
        """Let go of the rows and derived values that this run holds in memory."""
        for layer in self._layers.values():
            layer.forget()
