"""The file of an archive, local or remote; a change during a run is noticed."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import RLock
from typing import BinaryIO, cast
from weakref import finalize

from ganeval.errors import UnstableError
from ganeval.machine.remote import RemotePath, is_remote
from ganeval.machine.remote_file import open_remote
from ganeval.sources.paths import check_regular_file, unreadable


class ArchiveFile:
    """A file that is opened when it is used; one thread at a time reads from it.

    The listing of an archive holds byte offsets, which are wrong for another file of the same name.
    So every opening, and `check`, compares the state of the file with the first one.
    """

    def __init__(self, location: str) -> None:
        """Open the file.

        Raises:
            InputError: It is not a file, or cannot be read.
        """
        check_regular_file(location)
        self._location = location
        self._remote = RemotePath.of(location) if is_remote(location) else None
        self._lock = RLock()
        self._open = ExitStack()
        self._file: BinaryIO | None = None
        finalize(self, self._open.close)
        try:
            self._state = self._state_now()
            self._file = self._reopen()
        except OSError as error:
            raise unreadable(location, error) from error

    @property
    def remote_state(self) -> tuple[str, ...]:
        """The state of the file on a remote file system; empty for a local file."""
        return () if self._remote is None else tuple(map(str, self._state))

    @contextmanager
    def reading(self) -> Iterator[BinaryIO]:
        """Give the open file; other threads wait.

        Raises:
            OSError: It cannot be opened any more.
            UnstableError: It has changed.
        """
        with self._lock:
            if self._file is None:
                self.check()
                self._file = self._reopen()
            yield self._file

    def rest(self) -> None:
        """Close the file until it is used again, and drop what is buffered of a remote one."""
        with self._lock:
            self._open.close()
            self._file = None

    def check(self) -> None:
        """Raise UnstableError if the file has changed."""
        try:
            same = self._state_now() == self._state
        except OSError:
            same = False
        if not same:
            raise UnstableError(
                f"{self._location}: changed while it was read",
                "an archive that stays the same during a run",
                "run again when nothing writes there",
            )

    def _state_now(self) -> tuple[object, ...]:
        """Return values that differ when the file has changed."""
        if self._remote is not None:
            return self._remote.state()
        state = Path(self._location).stat()
        return state.st_ino, state.st_size, state.st_mtime_ns

    def _reopen(self) -> BinaryIO:
        """Open the file."""
        if self._remote is not None:
            return cast(BinaryIO, self._open.enter_context(open_remote(self._remote)))
        return self._open.enter_context(Path(self._location).open("rb"))
