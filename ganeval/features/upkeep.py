"""Looking after the cache: how large it is, and making it smaller."""

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
    """Number of shards, of values derived from them, and the size of both in bytes."""

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
    """Return the size of the shards on a remote file system; nothing there is an empty cache.

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
    """Remove what was last used so many days ago, and what killed runs left.

    A run that is using a shard while it goes ends with an error and can be repeated.
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
    """Return the size of files by their pattern; what killed runs left does not count."""
    shards, derived = sizes[_SHARDS], sizes[_DERIVED]
    return CacheSize(len(shards), len(derived), sum(shards) + sum(derived))


def _state(path: Path) -> os.stat_result | None:
    """Return what the file system says of a file, or None if another process has removed it."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None
