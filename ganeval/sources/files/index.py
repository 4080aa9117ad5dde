"""The index of local files: what earlier runs read, so that unchanged files are not read again.

A file counts as unchanged if its device, inode, size, mtime and ctime are those of the last run, as
in git's index. As in git, nothing is kept of a file that changed so recently that it could change
once more under the same times. Nothing is kept of files on a file system whose times do not show
every change.
"""

import hashlib
import logging
import os
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from ganeval.errors import ResourceError, one_line
from ganeval.machine.files import write_whole
from ganeval.sources.files.file_system import tells_of_changes
from ganeval.sources.files.index_files import SUFFIX, Facts, Row, joined, read_rows, to_bytes

log = logging.getLogger(__name__)

# A change within this time may not show in a file's times: FAT, the coarsest file system, has even
# seconds, and the clock may be read a little late.
_UNSETTLED_NS = 3 * 10**9

_FILE = struct.Struct("<QQq")  # device, inode, place within it
_STATE = struct.Struct("<qqq")  # size, mtime and ctime in nanoseconds

# Rows that no run has asked for in so many days are dropped: their files are gone or changed.
_KEPT_DAYS = 30
_SECONDS_PER_DAY = 86_400

FilePlace = tuple[str, int]
"""A local file and the byte where an item begins; 0 for a file that is one item."""


class FileState(NamedTuple):
    """The state of a file, which shows without reading whether its content has changed.

    Attributes:
        file: Device, inode and place.
        state: Size, mtime and ctime.
    """

    file: bytes
    state: bytes


_NOTHING = Facts()


class IndexFile:
    """What is known of the files of one location, by device, inode and place."""

    def __init__(
        self,
        path: Path,
        rows: dict[bytes, Row],
        *,
        relies_on: Callable[[str, os.stat_result], bool],
        alone: bool,
    ) -> None:
        """Start with the known rows.

        Args:
            path: Where they are kept.
            rows: The known rows.
            relies_on: Tells whether the times of a file show every change.
            alone: Whether to ignore rows that other processes have written meanwhile.
        """
        self._path = path
        self._rows = rows
        self._relies_on = relies_on
        self._alone = alone
        self._forgotten: set[bytes] = set()
        self._is_new = False
        self._today = int(time.time()) // _SECONDS_PER_DAY

    def states(self, places: Iterable[FilePlace | None]) -> list[FileState | None]:
        """Return the current states of files; None for one whose times do not show all changes."""
        settled = time.time_ns() - _UNSETTLED_NS
        found: list[FileState | None] = []
        path, whole = "", None
        for place in places:
            if place is not None and place[0] != path:  # an archive is looked at once
                path = place[0]
                whole = self._state(path, settled)
            if place is None or whole is None:
                found.append(None)
            else:
                found.append(FileState(_FILE.pack(whole[0], whole[1], place[1]), whole[2]))
        return found

    def recall(self, states: Iterable[FileState | None]) -> list[Facts]:
        """Return what is known of files in these states."""
        return [_NOTHING if state is None else self._recall(state) for state in states]

    def keep(self, state: FileState, facts: Facts) -> None:
        """Add what was read of a file in a state."""
        all_facts = joined(facts, self._recall(state))
        self._rows[state.file] = Row(state.state, all_facts, self._today)
        self._is_new = True

    def forget(self, state: FileState) -> None:
        """Drop what is known of a file."""
        self._rows.pop(state.file, None)
        self._forgotten.add(state.file)
        self._is_new = True

    def save(self) -> None:
        """Write the rows if any is new, and keep rows that other processes wrote meanwhile.

        Raises:
            OSError, ResourceError: The file system refuses.
        """
        if not self._is_new:
            return
        rows: dict[bytes, Row] = {}
        if not self._alone:
            with suppress(ValueError):  # damage was reported at the start, and is overwritten now
                rows = read_rows(self._path)
        for file, row in self._rows.items():
            other = rows.get(file)
            if other is not None and other.state == row.state:
                row = row._replace(facts=joined(row.facts, other.facts))
            rows[file] = row
        kept = {
            file: row
            for file, row in rows.items()
            if file not in self._forgotten and row.day >= self._today - _KEPT_DAYS
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self._path, to_bytes(kept))
        self._is_new = False

    def _recall(self, state: FileState) -> Facts:
        """Return what is known of a file in this state."""
        row = self._rows.get(state.file)
        if row is None or row.state != state.state:
            return _NOTHING
        if row.day != self._today:
            self._rows[state.file] = row._replace(day=self._today)
            self._is_new = True
        return row.facts

    def _state(self, path: str, settled: int) -> tuple[int, int, bytes] | None:
        """Return device, inode and state of a file that has not changed since `settled`."""
        try:
            found = os.stat(path)  # noqa: PTH116 (quick, for every file)
            state = _STATE.pack(found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        except (OSError, ValueError, struct.error):  # gone, or its times are out of range
            return None
        changed = max(found.st_mtime_ns, found.st_ctime_ns)
        if changed >= settled or not self._relies_on(path, found):
            return None
        return found.st_dev % 2**64, found.st_ino % 2**64, state


class Known:
    """What the index knows of the items of one source; all files are looked at together."""

    def __init__(
        self, file: IndexFile, place: Callable[[int], FilePlace | None], count: int
    ) -> None:
        """Look at the files; `place` tells where the item at an index lies."""
        self._file = file
        self._place = place
        self._states = file.states(map(place, range(count)))
        self._facts = file.recall(self._states)

    def digest(self, index: int) -> bytes | None:
        """Return the SHA-256 of an item's file, None if it is not known."""
        return self._facts[index].digest

    def header(self, index: int) -> Any:
        """Return the header of an item's file, None if it is not known."""
        return self._facts[index].header

    def learn(self, read: Iterable[tuple[int, Facts]]) -> None:
        """Keep what was read of items, by index, if their files have not changed."""
        new = [(index, state, facts) for index, facts in read if (state := self._states[index])]
        after = self._file.states(self._place(index) for index, _, _ in new)
        for (_, state, facts), now in zip(new, after, strict=True):
            if now == state:
                self._file.keep(state, facts)

    def forget(self, index: int) -> None:
        """Drop what is known of an item's file, whose content has changed but not its times."""
        state = self._states[index]
        if state is not None:
            self._file.forget(state)


class Index:
    """What is known of files, by the location of their source; one file in `folder` for each."""

    def __init__(self, folder: Path, *, rehash: bool = False, trust_times: bool = False) -> None:
        """Open the index.

        Args:
            folder: Where it is kept; it need not exist.
            rehash: Start empty: all files are read again, and known from then on.
            trust_times: Rely on the times of files on any file system.
        """
        self._folder = folder
        self._rehash = rehash
        self._trust_times = trust_times
        self._opened: dict[Path, IndexFile] = {}
        self._reliable: dict[int, bool] = {}  # by device

    def look_up(self, location: str, place: Callable[[int], FilePlace | None], count: int) -> Known:
        """Return what is known of the items of a source.

        Args:
            location: Where the source lies; one file of the index is kept for it.
            place: Tells where the item at an index lies; None for a remote one.
            count: Number of items.
        """
        real = os.fsencode(os.path.realpath(location))
        path = self._folder / f"{hashlib.sha256(real).hexdigest()[:32]}{SUFFIX}"
        if path not in self._opened:
            rows: dict[bytes, Row] = {}
            try:
                rows = {} if self._rehash else read_rows(path)
            except ValueError as error:
                log.warning("%s; all files of %s are read again", error, one_line(location))
            self._opened[path] = IndexFile(
                path, rows, relies_on=self._relies_on, alone=self._rehash
            )
        return Known(self._opened[path], place, count)

    def save(self) -> None:
        """Write what is new; where that fails, all files are read again next time."""
        try:
            for file in self._opened.values():
                file.save()
        except (OSError, ResourceError) as error:  # the store warns of such a cache itself
            log.info("%s: cannot be written (%s)", self._folder, error)

    def _relies_on(self, path: str, found: os.stat_result) -> bool:
        """Tell whether the times of a file show every change."""
        if self._trust_times:
            return True
        if found.st_dev not in self._reliable:
            self._reliable[found.st_dev] = tells_of_changes(path)
        # A ctime of whole seconds comes from a coarse clock, or is really the mtime.
        return self._reliable[found.st_dev] and found.st_ctime_ns % 10**9 != 0


@contextmanager
def open_index(
    folder: Path | None, *, rehash: bool = False, trust_times: bool = False
) -> Iterator[Index | None]:
    """Open the index in `folder`, and save it at the end, even after an error.

    Args:
        folder: See `folders.index_folder`; None for a run that keeps nothing; None is yielded then.
        rehash: See `Index`.
        trust_times: See `Index`.
    """
    if folder is None:
        yield None
        return
    index = Index(folder, rehash=rehash, trust_times=trust_times)
    try:
        yield index
    finally:
        index.save()
