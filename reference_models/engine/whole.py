"""Write the files of a run completely or not at all."""

import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_TEMPORARY = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{32}\.tmp")


@contextmanager
def refusals_of(path: Path) -> Iterator[None]:
    """Make an error of the file system within the block name the file `path`."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        # torch.save turns the error into a RuntimeError about positions in the file.
        refusal = error.__context__ if isinstance(error, RuntimeError) else error
        if not isinstance(refusal, OSError):
            raise
        raise OSError(refusal.errno, refusal.strerror, str(path)) from error


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Yield a temporary file; if the block ends without error, sync it and rename it to `path`.

    A killed process leaves the old file or the new one, and at most one temporary file; see
    `leftovers`.

    Raises:
        OSError: The file cannot be written, for example because the disk is full; the error names
            `path`.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    with refusals_of(path):
        try:
            with temporary.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):  # on a disk that cannot be written to
                temporary.unlink(missing_ok=True)
            raise


def leftovers(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield the temporary files in a folder, with the names that they were meant to get."""
    for path in folder.glob(".*.tmp"):
        if match := _TEMPORARY.fullmatch(path.name):
            yield path, match["name"]
