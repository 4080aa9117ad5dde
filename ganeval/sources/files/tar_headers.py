"""Read the headers of a tar archive, even if they make no sense."""

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, cast


class SenselessHeaderError(tarfile.ReadError):
    """An extended header, which only a tar has, with numbers that are invalid or too large."""


@contextmanager
def open_tar(file: BinaryIO) -> Iterator[tarfile.TarFile]:
    """Open a tar archive without compression, from its start.

    Raises:
        SenselessHeaderError: A header makes no sense; raised now or while members are read.
        tarfile.TarError: It is damaged in another way, or not a tar.
    """
    bounded = cast(IO[bytes], _Bounded(file))
    try:
        with tarfile.open(
            fileobj=bounded, mode="r:", encoding="utf-8", errors="surrogateescape"
        ) as archive:
            yield archive
    except (ValueError, OverflowError) as error:
        raise SenselessHeaderError(f"a header makes no sense: {error}") from error


class _Bounded:
    """A file that never reads more bytes than it has left.

    tarfile asks for as many bytes as a header says, and Python allocates them before it reads.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._num_bytes = file.seek(0, io.SEEK_END)
        file.seek(0)

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._file.tell()

    def seek(self, offset: int) -> int:
        """Go to a place."""
        return self._file.seek(offset)

    def read(self, size: int) -> bytes:
        """Return `size` bytes, or those that are left."""
        return self._file.read(max(min(size, self._num_bytes - self._file.tell()), 0))
