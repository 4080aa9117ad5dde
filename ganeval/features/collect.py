"""One pass over a source: read, decode, run the network, keep the features as shards."""

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import PIL
import torch

from ganeval.errors import GanevalError, InputError, UnstableError, one_line
from ganeval.extractors.base import Extractor, Precision
from ganeval.features.moments import Moments, merge_all
from ganeval.features.shards import SHARD_SIZE, ShardInfo, ShardStore, shard_key
from ganeval.images.preprocess import Preprocess
from ganeval.images.resize import preprocess
from ganeval.progress import Progress
from ganeval.sources.base import Item, Source

_Input = TypeVar("_Input")
_Output = TypeVar("_Output")

_ROWS_IN_MEMORY = 256 * 2**20  # bytes; larger feature matrices are mapped from disk


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that turns pictures into features.

    Attributes:
        extractor: The network.
        preprocess: From a picture to its input.
        precision: Of the network's arithmetic.
        device_type: "cpu", "cuda" or "mps".
        micro_batch: The network always sees this many images at once, the last batch of a shard
            padded, so that an image's features do not depend on how many others there are.
        layers: The layers that are stored.
    """

    extractor: Extractor
    preprocess: Preprocess
    precision: Precision
    device_type: str
    micro_batch: int
    layers: tuple[str, ...]

    def identity(self, settings: Mapping[str, object]) -> dict[str, object]:
        """Return what goes into a shard's key beside its items, as JSON values."""
        info = self.extractor.info
        return {
            "settings": dict(settings),
            "preprocess": asdict(self.preprocess),
            "extractor": [info.name, info.version, info.weights_sha256],
            "precision": self.precision,
            "device": self.device_type,
            "micro_batch": self.micro_batch,
            "layers": list(self.layers),
            "torch": torch.__version__,
            "pillow": PIL.__version__,
        }


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
    _moments: dict[str, Moments] = field(default_factory=dict, repr=False, compare=False)

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

    def moments(self, layer: str) -> Moments:
        """Return mean and scatter of a layer, merged in the order of the shards."""
        if layer not in self._moments:
            parts = (Moments.of(rows) for rows in self._shards(layer))
            self._moments[layer] = merge_all(parts)
        return self._moments[layer]

    def rows(self, layer: str) -> npt.NDArray[np.float32]:
        """Return a layer's features, float32 [num, width]; a large matrix is mapped from disk."""
        shards = self._shards(layer)
        first = next(shards)
        width = first.shape[1]
        if self.num * width * 4 <= _ROWS_IN_MEMORY:
            rows = np.empty((self.num, width), np.float32)
        else:
            rows = self.store.scratch_rows(self.num, width)
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
        for start in range(0, total, SHARD_SIZE):
            items = source.load(indices[start : start + SHARD_SIZE])
            tell = partial(_offset_progress, progress, label, start, total)
            identity = recipe.identity(source.info.settings)
            part = collect_shard(items, identity, recipe, store, pool=pool, tell=tell)
            if part.info.skipped and not skip_bad:
                rest = indices[start + SHARD_SIZE :]
                raise _bad_pictures(source, list(part.info.skipped.values()), rest, pool)
            parts.append(part)
            progress(label, min(start + SHARD_SIZE, total), total)
    except KeyboardInterrupt as error:
        done = SHARD_SIZE * len(parts)
        raise Interrupted(
            f"interrupted: {done:,} of {total:,} images of {label} are in the cache; "
            "run the same command again to go on"
        ) from error
    return join(store, parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectedShard:
    """One shard that is in the store now."""

    key: str
    info: ShardInfo
    digests: tuple[bytes, ...]
    computed: bool


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
        layers, info = _compute(items, recipe, pool, tell)
        store.write(key, layers, info)
    reasons = {at: one_line(items[at].name) + reason for at, reason in info.skipped.items()}
    info = replace(info, skipped=reasons)
    kept = tuple(digest for at, digest in enumerate(digests) if at not in reasons)
    return CollectedShard(key=key, info=info, digests=kept, computed=computed)


def _compute(
    items: Sequence[Item], recipe: Recipe, pool: Executor, tell: Callable[[int], None]
) -> tuple[dict[str, npt.NDArray[np.float32]], ShardInfo]:
    """Decode the items and run the network over them in micro-batches of one size."""
    width = recipe.extractor.info.layers
    batches: list[dict[str, torch.Tensor]] = []
    names: list[str] = []
    notes: Counter[str] = Counter()
    skipped: dict[int, str] = {}
    inputs: list[torch.Tensor] = []
    decode = partial(_decode, how=recipe.preprocess)
    for at, result in enumerate(_in_order(pool, decode, items, ahead=4 * recipe.micro_batch)):
        if isinstance(result, InputError):
            skipped[at] = str(result).removeprefix(one_line(items[at].name))
            continue
        inputs.append(result[0])
        names.append(items[at].name)
        notes.update(result[1])
        if len(inputs) == recipe.micro_batch:
            batches.append(_run(inputs, recipe))
            inputs = []
            tell(at + 1)
    if inputs:
        batches.append(_run(inputs, recipe))
    layers = {
        layer: torch.cat([batch[layer] for batch in batches]).numpy()
        if batches
        else np.empty((0, width[layer]), np.float32)
        for layer in recipe.layers
    }
    for layer, rows in layers.items():
        _check_finite(rows, names, layer, recipe.extractor.info.name)
    return layers, ShardInfo(num=len(names), notes=notes, skipped=skipped)


def _decode(item: Item, *, how: Preprocess) -> tuple[torch.Tensor, tuple[str, ...]] | InputError:
    """Return an item's network input float32 [3, S, S] and its notes, or why there is none."""
    try:
        image = item.image()
    except UnstableError:  # no property of the picture, hence nothing to store
        raise
    except InputError as error:
        return error
    return preprocess(image.pixels, how), image.notes


def _run(inputs: list[torch.Tensor], recipe: Recipe) -> dict[str, torch.Tensor]:
    """Run the network on one micro-batch, padded to its size with zeros."""
    batch = inputs[0].new_zeros((recipe.micro_batch, *inputs[0].shape))
    torch.stack(inputs, out=batch[: len(inputs)])
    outputs = recipe.extractor(batch)
    return {layer: outputs[layer][: len(inputs)].clone() for layer in recipe.layers}


def _check_finite(
    rows: npt.NDArray[np.float32], names: Sequence[str], layer: str, extractor: str
) -> None:
    """Refuse features that are NaN or infinite, naming the first image that has them."""
    bad = ~np.isfinite(rows).all(axis=1)
    if bad.any():
        raise InputError(
            f"{names[int(bad.argmax())]}: {extractor} returned NaN or Infinity in layer {layer} "
            f"({int(bad.sum())} images in all)",
            "finite features",
            "check the weights (`ganeval weights verify`) and use --precision float32",
        )


def _in_order(
    pool: Executor, function: Callable[[_Input], _Output], inputs: Iterable[_Input], *, ahead: int
) -> Iterator[_Output]:
    """Map like `pool.map`, but keep at most `ahead` results waiting, so that memory stays flat."""
    waiting: deque[Future[_Output]] = deque()
    try:
        for value in inputs:
            waiting.append(pool.submit(function, value))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _bad_pictures(
    source: Source, reasons: list[str], rest: Sequence[int], pool: Executor
) -> GanevalError:
    """Return the error for pictures that cannot be decoded, after looking at all that are left.

    Decoding is cheap beside the network, and one run then names every file to repair.
    """
    for start in range(0, len(rest), SHARD_SIZE):
        items = source.load(rest[start : start + SHARD_SIZE])
        for result in _in_order(pool, _try_decode, items, ahead=64):
            if result is not None:
                reasons.append(result)
    return unusable_pictures(source.info.location, reasons)


def _try_decode(item: Item) -> str | None:
    """Return why an item cannot be used, or None."""
    try:
        item.image()
    except InputError as error:
        return str(error)
    return None


def unusable_pictures(location: str, reasons: Sequence[str]) -> InputError:
    """Return the error for pictures that cannot be used; `details` lists each with its reason."""
    found, needed, remedy = [*reasons[0].split("; ", 2), "", ""][:3]
    if len(reasons) > 1:
        found = f"{location}: {len(reasons):,} pictures cannot be used, the first: {found}"
        remedy = f"{remedy} (all are listed above)"
    error = InputError(found, needed, f"{remedy}, or skip it with --on-bad-image skip")
    return error.with_details(reasons if len(reasons) > 1 else ())


def _offset_progress(progress: Progress, label: str, start: int, total: int, done: int) -> None:
    """Tell the progress of a shard as that of its source."""
    progress(label, start + done, total)
