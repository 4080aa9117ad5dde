"""Measure and remove prepared pictures, without torch."""

import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import filelock


@dataclass(frozen=True, slots=True)
class PreparedSize:
    """Number of sources with prepared pictures, and their size in bytes."""

    num_sources: int
    num_bytes: int


def measure(folder: Path) -> PreparedSize:
    """Return the size of a folder of prepared pictures; the folder need not exist."""
    kept = _kept(folder)
    return PreparedSize(len(kept), sum(map(_num_bytes, kept)))


def prune(folder: Path, *, older_than_days: float) -> PreparedSize:
    """Remove pictures, even incomplete ones, that no run has opened for this many days.

    A run that is reading them can continue, because it has their file open. Pictures that a process
    is preparing are kept.
    """
    limit = time.time() - older_than_days * 86_400
    num_sources = num_bytes = 0
    for own in _kept(folder):
        if _last_use(own) >= limit:
            continue
        lock = own.with_suffix(".lock")
        with suppress(filelock.Timeout):
            with filelock.FileLock(lock).acquire(blocking=False):
                num_sources += 1
                num_bytes += _num_bytes(own)
                shutil.rmtree(own, ignore_errors=True)
            lock.unlink(missing_ok=True)  # released first: Windows does not remove a held lock
    return PreparedSize(num_sources, num_bytes)


def _kept(folder: Path) -> list[Path]:
    """Return the folders of prepared pictures."""
    return [path for path in folder.glob("*") if path.is_dir()]


def _last_use(own: Path) -> float:
    """Return when prepared pictures were last used, in seconds since 1970."""
    return max((path.stat().st_mtime for path in own.iterdir()), default=own.stat().st_mtime)


def _num_bytes(own: Path) -> int:
    """Return the size of the files in a folder."""
    return sum(path.stat().st_size for path in own.iterdir())
