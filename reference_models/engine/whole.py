"""Files of a run that exist whole or not at all."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Yield a file that gets the name `path` when the block ends well, and synced to the disk.

    A process that is killed leaves the old file or the new one, and at most one with a temporary
    name; see `remove_leftovers`.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that killed runs have left in `folder`."""
    for path in folder.glob(".*.tmp"):
        path.unlink(missing_ok=True)
