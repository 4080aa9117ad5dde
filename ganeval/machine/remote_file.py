"""Remote files opened like local ones."""

import contextlib
import errno
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from ganeval.errors import ResourceError
from ganeval.machine.remote import RemotePath, is_remote


class RemoteFile(io.RawIOBase):
    """A remote file opened for reading and seeking, by ranged requests.

    A read that starts where the last one ended, or a little further, fetches ahead: twice as much
    each time. So reading a file in order takes few requests, and a jump costs only a small one.
    """

    LEAST = 2**15
    MOST = 2**24
    _GAP = 2**20  # the most that a read may skip and still fetch ahead

    def __init__(self, path: RemotePath, size: int) -> None:
        super().__init__()
        self.size = size
        self._path = path
        self._at = 0
        self._start = 0  # position of the window
        self._window = b""
        self._ahead = self.LEAST // 2

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position; nothing is fetched yet."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise OSError(errno.EINVAL, "seek to before the file's start")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer`, or the part of it for which the file has bytes left."""
        view = memoryview(buffer).cast("B")
        stop = min(self._at + len(view), self.size)
        if stop <= self._at:
            return 0
        if self._at < self._start or stop > self._start + len(self._window):
            self._fetch(stop)
        start = self._at - self._start
        num = stop - self._at
        view[:num] = self._window[start : start + num]
        self._at = stop
        return num

    def _fetch(self, stop: int) -> None:
        """Fetch the bytes from the position to `stop`, and some more."""
        end = self._start + len(self._window)
        reads_on = self._start <= self._at <= end + self._GAP
        self._ahead = min(2 * self._ahead, self.MOST) if reads_on else self.LEAST
        kept = self._window[self._at - self._start :] if self._start <= self._at < end else b""
        start = self._at + len(kept)
        stop = min(max(stop, start + self._ahead), self.size)
        self._window = kept + self._path.read_range(start, stop)
        self._start = self._at


@contextmanager
def open_file(location: str | Path) -> Iterator[BinaryIO]:
    """Open a local or remote file for reading and seeking.

    Raises:
        OSError: The file is not there, or cannot be read.
        ResourceError: Its remote file system fails.
    """
    if isinstance(location, Path) or not is_remote(location):
        with Path(location).open("rb") as file:
            yield file
        return
    with contextlib.closing(open_remote(RemotePath.of(location))) as remote_file:
        yield cast(BinaryIO, remote_file)


def open_remote(path: RemotePath) -> RemoteFile:
    """Open a remote file; raise FileNotFoundError or ResourceError if that fails."""
    size = path.info().get("size")
    if size is None:
        raise ResourceError(
            f"{path.url}: its server does not report its size",
            "a server that sends parts of files",
            "copy the file here and name the copy",
        )
    return RemoteFile(path, int(size))


@contextmanager
def local_copy(location: str) -> Iterator[Path]:
    """Give the path of a local file, or of a copy of a remote one that lasts for the block.

    A mapping of the copy that still exists after the block keeps its content.

    Raises:
        FileNotFoundError: There is no such file.
        ResourceError: The remote file system fails.
    """
    if not is_remote(location):
        yield Path(location)
        return
    with tempfile.TemporaryDirectory(prefix="remote-") as folder:
        path = Path(folder) / "copy"
        RemotePath.of(location).download(path)
        yield path
