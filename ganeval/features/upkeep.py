"""Looking after the cache: how large it is, and making it smaller."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from ganeval.remote import RemotePath

_SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True)
class CacheSize:
    """Number of shards and their size in bytes."""

    num_shards: int
    num_bytes: int


def measure(folder: Path) -> CacheSize:
    """Return the size of the shards in `folder`, which need not exist."""
    sizes = [state.st_size for path in folder.glob("??/*.safetensors") if (state := _state(path))]
    return CacheSize(len(sizes), sum(sizes))


def measure_shared(shards: RemotePath) -> CacheSize:
    """Return the size of the shards on a remote file system; nothing there is an empty cache.

    Raises:
        ResourceError: The file system fails.
    """
    try:
        found = shards.sizes()
    except FileNotFoundError:
        return CacheSize(0, 0)
    sizes = [size for name, size in found.items() if name.endswith(".safetensors")]
    return CacheSize(len(sizes), sum(sizes))


def prune(folder: Path, *, older_than_days: float) -> CacheSize:
    """Remove the shards that were last used so many days ago, and what killed runs left.

    A run that is using a shard while it goes ends with an error and can be repeated.
    """
    limit = time.time() - older_than_days * _SECONDS_PER_DAY
    removed: list[int] = []
    for pattern, counts in (("??/*.safetensors", True), ("tmp/*", False)):
        for path in folder.glob(pattern):
            state = _state(path)
            if state is not None and state.st_mtime < limit:
                path.unlink(missing_ok=True)
                if counts:
                    removed.append(state.st_size)
    return CacheSize(len(removed), sum(removed))


def _state(path: Path) -> os.stat_result | None:
    """Return what the file system says of a file, or None if another process has removed it."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None
