"""The items of one tar archive, read in place and never unpacked."""

import io
import tarfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, BinaryIO, NamedTuple, cast

from ganeval.errors import InputError
from ganeval.machine.remote import is_remote
from ganeval.sources.files.archive_file import ArchiveFile
from ganeval.sources.files.chosen import LINKS, ignored_reason
from ganeval.sources.files.encoded import (
    MAX_FILE_BYTES,
    NOT_REGULAR,
    Listing,
    Reason,
    check_not_empty,
    too_large,
    twins,
)
from ganeval.sources.files.index import FilePlace
from ganeval.sources.files.medium import Medium
from ganeval.sources.files.tar_headers import open_tar
from ganeval.sources.paths import damaged, unreadable


class _Place(NamedTuple):
    """Where in a tar a member's content lies."""

    start: int
    num_bytes: int


class TarMembers:
    """The items of a tar archive.

    Listing goes through the whole file, so the items' headers are read on the way.
    """

    num_threads = 1

    def __init__(self, location: str, medium: Medium, pattern: str | None = None) -> None:
        self._location = location
        self._pattern = pattern
        self._file = ArchiveFile(location)
        self._places: dict[str, _Place] = {}
        try:
            with self._file.reading() as file:
                listing = self._list(file, medium)
                self.listing = replace(listing, states=self._file.remote_state)
        except tarfile.TarError as error:
            raise damaged(location, "tar archive", error) from error
        except OSError as error:
            raise unreadable(location, error) from error
        check_not_empty(self.listing, location, medium)

    def name(self, index: int) -> str:
        """Return `archive:member`, the name of an item in messages."""
        return f"{self._location}:{self.listing.names[index]}"

    def place(self, index: int) -> FilePlace | None:
        """Return the archive and where a member begins in it; None if it is remote."""
        if is_remote(self._location):
            return None
        return self._location, self._places[self.listing.names[index]].start

    @contextmanager
    def stream(self, index: int) -> Iterator[BinaryIO]:
        """Open a member; other threads wait until it is closed."""
        place = self._places[self.listing.names[index]]
        try:
            with self._file.reading() as file:
                yield cast(BinaryIO, _Section(file, place))
        except OSError as error:
            raise unreadable(self.name(index), error) from error

    def read(self, index: int) -> bytes:
        """Return the bytes of a member."""
        place = self._places[self.listing.names[index]]
        try:
            with self._file.reading() as file:
                file.seek(place.start)
                content = file.read(place.num_bytes)
        except OSError as error:
            raise unreadable(self.name(index), error) from error
        if len(content) != place.num_bytes:
            raise damaged(self.name(index), "member", EOFError(f"{len(content):,} bytes of it"))
        return content

    def check(self) -> None:
        """Raise UnstableError if the archive has changed."""
        self._file.check()

    def rest(self) -> None:
        """Close the archive until it is used again."""
        self._file.rest()

    def _list(self, file: BinaryIO, medium: Medium) -> Listing:
        """Choose the items among the members, and look at their headers."""
        ignored: Counter[str] = Counter()
        problems: dict[str, Reason] = {}
        headers: dict[str, Any] = {}
        same: dict[Any, Any] = {}  # most headers are alike
        for member in _members(file):
            name = member.name.removeprefix("./")
            reason = _ignored_reason(member, name, medium, self._pattern)
            if reason is not None:
                ignored[reason] += 1
            elif not member.isdir():
                if name in self._places:
                    raise twins(name, self._location)
                place = self._places[name] = _Place(member.offset_data, member.size)
                full_name = f"{self._location}:{name}"
                problem = _problem(member, full_name)
                if problem is not None:
                    problems[name] = problem
                    continue
                header = _look(_Section(file, place), full_name, medium)
                if not isinstance(header, InputError):
                    header = same.setdefault(header, header)
                headers[name] = header
        return Listing.of(list(self._places), ignored, problems, raw=_raw_name, headers=headers)


class _Section(io.RawIOBase):
    """A part of a file, as a file that can be read and sought in."""

    def __init__(self, file: BinaryIO, place: _Place) -> None:
        super().__init__()
        self._file = file
        self._place = place
        self._at = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place within the part."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._place.num_bytes}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` as far as the part goes."""
        view = memoryview(buffer).cast("B")
        self._file.seek(self._place.start + self._at)
        content = self._file.read(min(len(view), max(self._place.num_bytes - self._at, 0)))
        view[: len(content)] = content
        self._at += len(content)
        return len(content)


def _members(file: BinaryIO) -> Iterator[tarfile.TarInfo]:
    """Yield all members; refuse an archive in which anything but zeros follows the last one.

    tarfile takes a damaged or missing header for the end, and would lose the rest silently.
    """
    with open_tar(file) as archive:
        yield from archive
        end = archive.offset
    file.seek(end)
    block = file.read(512)
    whole = len(block) == 512
    while whole and block:
        whole = not any(block)
        block = file.read(2**16)
    if not whole:
        raise tarfile.ReadError("no end of archive after its last readable member")


def _look(stream: _Section, name: str, medium: Medium) -> Any:
    """Return the header of a file, or the error that says why it cannot be used."""
    try:
        return medium.read_header(cast(BinaryIO, stream), name=name)
    except InputError as error:
        return error


def _ignored_reason(
    member: tarfile.TarInfo, name: str, medium: Medium, pattern: str | None
) -> str | None:
    """Return why a member is left alone; None for an item, and for a folder (not counted)."""
    if member.isdir():
        return None
    if member.issym() or member.islnk():
        return LINKS
    return ignored_reason(name, medium, pattern) if member.isreg() else NOT_REGULAR


def _problem(member: tarfile.TarInfo, name: str) -> Reason | None:
    """Return why a member cannot be read."""
    if member.size > MAX_FILE_BYTES:
        return too_large(name, member.size)
    if member.issparse():
        return f"{name}: stored with holes", "a member that is stored whole", "make the tar again"
    return None


def _raw_name(name: str) -> bytes:
    """Return a member's name as the archive stores it."""
    return name.encode("utf-8", "surrogateescape")
