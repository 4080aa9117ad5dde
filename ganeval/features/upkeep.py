"""Measuring the cache and pruning it."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ganeval.machine.remote import RemotePath

_SECONDS_PER_DAY = 86_400


_SHARDS, _DERIVED, _LEFT_OVER = "??/*.safetensors", "derived/*.safetensors", "tmp/*"


@dataclass(frozen=True, slots=True)
class CacheSize:
    """Number of shards, number of derived values, and the size of both in bytes."""

    num_shards: int
    num_derived: int
    num_bytes: int


def measure(folder: Path) -> CacheSize:
    """Return the size of what is in `folder`, which need not exist."""
    sizes = {
        pattern: [state.st_size for path in folder.glob(pattern) if (state := _state(path))]
        for pattern in (_SHARDS, _DERIVED)
    }
    return _total(sizes)


def measure_shared(shards: RemotePath) -> CacheSize:
    """Return the size of the shards on a remote file system; a missing folder counts as empty.

    Raises:
        ResourceError: The file system fails.
    """
    try:
        found = shards.sizes()
    except FileNotFoundError:
        return CacheSize(0, 0, 0)
    sizes: dict[str, list[int]] = {_SHARDS: [], _DERIVED: []}
    for name, size in found.items():
        if name.endswith(".safetensors"):
            sizes[_DERIVED if name.startswith("derived/") else _SHARDS].append(size)
    return _total(sizes)


def prune(folder: Path, *, older_than_days: float) -> CacheSize:
    """Remove files last used more than so many days ago, and leftovers of killed runs.

    A run that needs a shard removed meanwhile ends with an error; it can be repeated.
    """
    limit = time.time() - older_than_days * _SECONDS_PER_DAY
    removed: dict[str, list[int]] = {_SHARDS: [], _DERIVED: [], _LEFT_OVER: []}
    for pattern, sizes in removed.items():
        for path in folder.glob(pattern):
            state = _state(path)
            if state is not None and state.st_mtime < limit:
                path.unlink(missing_ok=True)
                sizes.append(state.st_size)
    return _total(removed)


def _total(sizes: Mapping[str, Sequence[int]]) -> CacheSize:
    """Return the total size; leftovers of killed runs do not count."""
    shards, derived = sizes[_SHARDS], sizes[_DERIVED]
    return CacheSize(len(shards), len(derived), sum(shards) + sum(derived))


def _state(path: Path) -> os.stat_result | None:
    """Return the file's status, or None if another process has removed it."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None
