"""Tar archives of pictures, one or many in a row, read in place and never unpacked."""

import io
import tarfile
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import PurePosixPath
from threading import Lock
from typing import Any, BinaryIO, NamedTuple, cast

from ganeval.ahead import mapped
from ganeval.images.image import DecodePolicy
from ganeval.remote import is_remote
from ganeval.sources.archive_file import ArchiveFile
from ganeval.sources.braces import expand_braces
from ganeval.sources.encoded import (
    LINKS,
    MAX_FILE_BYTES,
    NOT_REGULAR,
    Container,
    EncodedSource,
    Listing,
    Reason,
    check_not_empty,
    ignored_reason,
    too_large,
    twins,
)
from ganeval.sources.fit import Crop, Fit
from ganeval.sources.paths import damaged, exists, unreadable

_OPEN_TARS = 4  # of many: that in work, those whose pictures are decoded meanwhile
_LISTED_AT_ONCE = 8  # of many remote ones


@dataclass(frozen=True, slots=True)
class Tar:
    """Read the pictures in a tar without compression, or in many: `faces-{000..127}.tar`."""

    location: str
    size: int | None = field(default=None, kw_only=True)
    crop: Crop = field(default="none", kw_only=True)

    def open(
        self, policy: DecodePolicy, *, offline: bool = False, written: str | None = None
    ) -> EncodedSource:
        """List the archives; arguments and errors are those of `Folder.open`."""
        fit = Fit(self.size, self.crop)
        return EncodedSource(
            kind="tar",
            location=written or self.location,
            container=_container(self.location),
            policy=policy,
            fit=fit,
        )


def _container(location: str) -> Container:
    """Return the pictures of a tar, or of all that its braces stand for."""
    # A file of this machine may be called so.
    literal = not is_remote(location) and exists(location)
    locations = [location] if literal else expand_braces(location)
    return TarMembers(location) if locations == [location] else TarShards(locations)


class _Place(NamedTuple):
    """Where in a tar a member's content lies."""

    start: int
    num_bytes: int


class TarMembers:
    """The pictures of a tar archive."""

    num_threads = 1

    def __init__(self, location: str) -> None:
        self._location = location
        self._file = ArchiveFile(location)
        try:
            with self._file.reading() as file:
                members = _members(file)
        except tarfile.TarError as error:
            raise damaged(location, "tar archive", error) from error
        except OSError as error:
            raise unreadable(location, error) from error
        self._places: dict[str, _Place] = {}
        self.listing = self._list(members)
        check_not_empty(self.listing, location)

    def name(self, index: int) -> str:
        """Return a member's name behind that of the archive, as messages call it."""
        return f"{self._location}:{self.listing.names[index]}"

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
        """Raise UnstableError if the archive is another one now."""
        self._file.check()

    def rest(self) -> None:
        """Close the archive until it is used again."""
        self._file.rest()

    def _list(self, members: Sequence[tarfile.TarInfo]) -> Listing:
        """Choose the pictures among the members."""
        ignored: Counter[str] = Counter()
        problems: dict[str, Reason] = {}
        for member in members:
            name = member.name.removeprefix("./")
            reason = ignored_reason(name)
            if member.isdir():
                continue
            if member.issym() or member.islnk():
                ignored[LINKS] += 1
            elif not member.isreg():
                ignored[NOT_REGULAR] += 1
            elif reason is not None:
                ignored[reason] += 1
            else:
                if name in self._places:
                    raise twins(name, self._location)
                self._places[name] = _Place(member.offset_data, member.size)
                problem = _problem(member, f"{self._location}:{name}")
                if problem is not None:
                    problems[name] = problem
        return Listing.of(list(self._places), ignored, problems, raw=_raw_name)


class TarShards:
    """The pictures of several tars, in the order of these, and of the names in each."""

    num_threads = 1

    def __init__(self, locations: Sequence[str]) -> None:
        self._lock = Lock()
        self._recent: list[int] = []
        num_threads = _LISTED_AT_ONCE if is_remote(locations[0]) else 1
        self._tars = list(mapped(_listed, locations, num_threads=num_threads))
        counts = [len(tar.listing.names) for tar in self._tars]
        self._starts = [0, *accumulate(counts)]
        self.listing = Listing(
            names=tuple(
                f"{PurePosixPath(location).name}:{name}"
                for location, tar in zip(locations, self._tars, strict=True)
                for name in tar.listing.names
            ),
            ignored=sum((Counter(tar.listing.ignored) for tar in self._tars), Counter()),
            problems={
                start + index: reason
                for start, tar in zip(self._starts, self._tars, strict=False)
                for index, reason in tar.listing.problems.items()
            },
        )

    def name(self, index: int) -> str:
        """Return a member's name behind that of its archive, as messages call it."""
        which, inner = self._find(index)
        return self._tars[which].name(inner)

    @contextmanager
    def stream(self, index: int) -> Iterator[BinaryIO]:
        """Open a member; see `TarMembers.stream`."""
        which, inner = self._find(index)
        with self._turn_to(which).stream(inner) as stream:
            yield stream

    def read(self, index: int) -> bytes:
        """Return the bytes of a member."""
        which, inner = self._find(index)
        return self._turn_to(which).read(inner)

    def check(self) -> None:
        """Raise UnstableError if an archive in use is another one now; each opening checks too."""
        with self._lock:
            recent = [self._tars[which] for which in self._recent]
        for tar in recent:
            tar.check()

    def _find(self, index: int) -> tuple[int, int]:
        """Return the number of the archive, and that of the picture within it."""
        which = bisect_right(self._starts, index) - 1
        return which, index - self._starts[which]

    def _turn_to(self, which: int) -> TarMembers:
        """Return an archive, and close the one that was used least recently."""
        with self._lock:
            if which in self._recent:
                self._recent.remove(which)
            self._recent.append(which)
            resting = self._recent[:-_OPEN_TARS]
            del self._recent[:-_OPEN_TARS]
        for other in resting:
            self._tars[other].check()
            self._tars[other].rest()
        return self._tars[which]


def _listed(location: str) -> TarMembers:
    """Return an archive that is listed and closed."""
    tar = TarMembers(location)
    tar.rest()
    return tar


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


def _members(file: BinaryIO) -> list[tarfile.TarInfo]:
    """Return all members; refuse an archive in which anything but zeros follows the last one.

    tarfile takes a damaged or missing header for the end, and would lose the rest silently.
    """
    file.seek(0)
    with tarfile.open(
        fileobj=file, mode="r:", encoding="utf-8", errors="surrogateescape"
    ) as archive:
        members = archive.getmembers()
        end = archive.offset
    file.seek(end)
    block = file.read(512)
    whole = len(block) == 512
    while whole and block:
        whole = not any(block)
        block = file.read(2**16)
    if not whole:
        raise tarfile.ReadError("no end of archive behind its last readable member")
    return members


def _problem(member: tarfile.TarInfo, name: str) -> Reason | None:
    """Return why a member cannot be read."""
    if member.size > MAX_FILE_BYTES:
        return too_large(name, member.size)
    if member.issparse():
        return f"{name}: stored with holes", "a member that is stored whole", "make the tar anew"
    return None


def _raw_name(name: str) -> bytes:
    """Return a member's name as the archive stores it."""
    return name.encode("utf-8", "surrogateescape")
