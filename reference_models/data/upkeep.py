"""Looking after prepared pictures: how much there is, and making it less. No torch is needed."""

import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import filelock


@dataclass(frozen=True, slots=True)
class PreparedSize:
    """Number of sources whose pictures are kept, and the size of these in bytes."""

    num_sources: int
    num_bytes: int


def measure(folder: Path) -> PreparedSize:
    """Return the size of what is in a folder of prepared pictures, which need not exist."""
    kept = _kept(folder)
    return PreparedSize(len(kept), sum(map(_num_bytes, kept)))


def prune(folder: Path, *, older_than_days: float) -> PreparedSize:
    """Remove pictures, half-made ones too, that no run has begun with for so many days.

    A run that reads them goes on: it has their file open. Those that a process prepares at the
    moment stay.
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
            lock.unlink(missing_ok=True)  # Windows removes none that is held
    return PreparedSize(num_sources, num_bytes)


def _kept(folder: Path) -> list[Path]:
    """Return the folders of prepared pictures."""
    return [path for path in folder.glob("*") if path.is_dir()]


def _last_use(own: Path) -> float:
    """Return when something was last done with prepared pictures, in seconds since 1970."""
    return max((path.stat().st_mtime for path in own.iterdir()), default=own.stat().st_mtime)


def _num_bytes(own: Path) -> int:
    """Return the size of the files in a folder."""
    return sum(path.stat().st_size for path in own.iterdir())
