"""Files that exist whole or not at all."""

import errno
import os
import re
import shutil
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ganeval.errors import ResourceError

_LEFTOVER = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{32}\.tmp")
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def writing(path: Path, *, scratch: Path | None = None) -> Iterator[BinaryIO]:
    """Open a new file that gets the name `path` if the block succeeds, and is removed if not.

    No reader ever sees an incomplete file. The file gets a unique temporary name beside `path`
    (or in `scratch`, on the same file system), is synced, and is then renamed. No lock is needed.
    A killed process leaves at most a file with a temporary name; see `leftover_of`.
    """
    temporary = (scratch or path.parent) / temporary_name(path)
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):  # so that the first error of a failing disk is the one raised
            temporary.unlink(missing_ok=True)
        raise


def write_whole(path: Path, content: bytes, *, scratch: Path | None = None) -> None:
    """Write `content` to `path` so that no reader ever sees a part of it; see `writing`.

    Raises:
        ResourceError: The disk is full; nothing is left behind.
        OSError: Any other refusal of the file system.
    """
    write_by(path, lambda file: file.write(content), len(content), scratch=scratch)


def write_by(
    path: Path, write: Callable[[BinaryIO], object], num_bytes: int, *, scratch: Path | None = None
) -> None:
    """Write a file like `write_whole`, but its content need not be in memory at once.

    Args:
        path: The file.
        write: Writes the content to the open file.
        num_bytes: About how large it will be, for the message of a full disk.
        scratch: See `writing`.

    Raises:
        ResourceError: The disk is full; nothing is left behind.
        OSError: Any other refusal of the file system.
    """
    try:
        with writing(path, scratch=scratch) as file:
            write(file)
    except OSError as error:
        if error.errno in _DISK_FULL:
            raise disk_full(path, num_bytes) from error
        raise


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write several files; none gets its name before all are complete.

    The first file is renamed last, so that it never exists without the others.

    Raises:
        ResourceError: The disk is full; all older files of these names are still there.
        OSError: Any other refusal of the file system.
    """
    try:
        with ExitStack() as stack:
            for path, content in contents.items():
                file = stack.enter_context(writing(path))
                file.write(content)
                file.flush()
    except OSError as error:
        if error.errno in _DISK_FULL:
            raise disk_full(path, len(contents[path])) from error
        raise


def temporary_name(path: Path) -> str:
    """Return a unique temporary name for a file that will be called `path`."""
    return f".{path.name}.{uuid.uuid4().hex}.tmp"


def leftover_of(name: str) -> str | None:
    """Return the intended name of a file that a killed process left; None for other files."""
    match = _LEFTOVER.fullmatch(name)
    return None if match is None else match["name"]


def reserve(path: Path, num_bytes: int) -> None:
    """Make a new file of `num_bytes` zeros and allocate its space on the disk.

    Without this, a file takes its space only when a mapping of it is written to, and a full disk
    then kills the process with SIGBUS.

    Raises:
        ResourceError: The disk is full; nothing is left behind.
    """
    try:
        with path.open("xb") as file:
            if sys.platform == "linux":
                os.posix_fallocate(file.fileno(), 0, num_bytes)
            else:
                file.truncate(num_bytes)
    except OSError as error:
        path.unlink(missing_ok=True)
        if error.errno in _DISK_FULL:
            raise disk_full(path, num_bytes) from error
        raise


def disk_full(path: Path, num_bytes: int) -> ResourceError:
    """Return the error for a file that does not fit on its disk."""
    free = shutil.disk_usage(path.parent).free
    return ResourceError(
        f"{path}: the disk is full",
        f"{num_bytes:,} bytes, and {free:,} are free",
        "free some space (`ganeval cache prune`) or choose another place (--cache-dir, -o)",
    )
