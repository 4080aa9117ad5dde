"""Zip archives of pictures or clips, read in place and never unpacked."""

import stat
import weakref
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

from ganeval.images.picture import DecodePolicy
from ganeval.machine.remote import is_remote
from ganeval.sources.base import plural
from ganeval.sources.files.archive_file import ArchiveFile
from ganeval.sources.files.chosen import DOT_FILES, LINKS, ignored_reason
from ganeval.sources.files.encoded import (
    MAX_FILE_BYTES,
    EncodedSource,
    Listing,
    Reason,
    check_not_empty,
    too_large,
    twins,
)
from ganeval.sources.files.file_options import FileOptions
from ganeval.sources.files.index import FilePlace
from ganeval.sources.files.medium import Medium
from ganeval.sources.paths import damaged, unreadable

# A member that unpacks to more than this, and to more than this many times its stored size, was
# made to fill memory: items are compressed already.
_BOMB_BYTES = 100 * 2**20
_BOMB_RATIO = 1000

_ENCRYPTED = 0x1  # bits of a zip member's flags
_UTF8_NAME = 0x800

_ZIP_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError)


@dataclass(frozen=True, slots=True)
class Zip(FileOptions):
    """Read the pictures or clips in a zip archive, in place."""

    location: str

    def open(
        self, policy: DecodePolicy, *, offline: bool = False, written: str | None = None
    ) -> EncodedSource:
        """List the archive; see `Folder.open` for arguments and errors."""
        return self.source(
            "zip",
            lambda medium: ZipMembers(self.location, medium, self.pattern),
            policy=policy,
            location=self.location,
            written=written,
        )


class ZipMembers:
    """The items of a zip archive; one file handle, which a lock guards."""

    num_threads = 1

    def __init__(self, location: str, medium: Medium, pattern: str | None = None) -> None:
        self._location = location
        self._file = ArchiveFile(location)
        try:
            with self._file.reading() as file:
                self._archive = zipfile.ZipFile(file)
        except _ZIP_DAMAGE as error:
            raise damaged(location, "zip archive", error) from error
        except OSError as error:
            raise unreadable(location, error) from error
        weakref.finalize(self, self._archive.close)
        self._members: dict[str, zipfile.ZipInfo] = {}
        self.listing = self._list(medium, pattern)
        check_not_empty(self.listing, location, medium)

    def name(self, index: int) -> str:
        """Return `archive:member`, the name of an item in messages."""
        return f"{self._location}:{self.listing.names[index]}"

    def place(self, index: int) -> FilePlace | None:
        """Return the archive and where a member begins in it; None if it is remote."""
        if is_remote(self._location):
            return None
        return self._location, self._members[self.listing.names[index]].header_offset

    @contextmanager
    def stream(self, index: int) -> Iterator[BinaryIO]:
        """Open a member; other threads wait until it is closed."""
        member = self._members[self.listing.names[index]]
        try:
            with self._file.reading(), self._archive.open(member) as stream:
                yield cast(BinaryIO, stream)
        except _ZIP_DAMAGE as error:
            raise damaged(self.name(index), "member", error) from error
        except OSError as error:
            raise unreadable(self.name(index), error) from error

    def read(self, index: int) -> bytes:
        """Return the bytes of a member.

        The limit keeps zipfile from inflating more, whatever the member really unpacks to. zipfile
        checks the declared size and the checksum once that many bytes are read.
        """
        num_bytes = self._members[self.listing.names[index]].file_size
        with self.stream(index) as stream:
            content = stream.read(num_bytes + 1)
        if len(content) != num_bytes:
            raise damaged(self.name(index), "member", EOFError(f"{len(content):,} bytes in it"))
        return content

    def check(self) -> None:
        """Raise UnstableError if the archive has changed."""
        self._file.check()

    def _list(self, medium: Medium, pattern: str | None) -> Listing:
        """Choose the items among the members."""
        ignored: Counter[str] = Counter()
        problems: dict[str, Reason] = {}
        for member in self._archive.infolist():
            name = member.filename
            reason = ignored_reason(name, medium, pattern)
            if name.endswith("/"):  # `ZipInfo.is_dir` fails for an empty name
                continue
            if stat.S_ISLNK(member.external_attr >> 16):
                ignored[LINKS] += 1
            elif name.startswith("__MACOSX/"):
                ignored[DOT_FILES] += 1
            elif reason is not None:
                ignored[reason] += 1
            else:
                if name in self._members:
                    raise twins(name, self._location)
                self._members[name] = member
                problem = _zip_problem(member, f"{self._location}:{name}", medium)
                if problem is not None:
                    problems[name] = problem
        return Listing.of(list(self._members), ignored, problems, raw=self._raw_name)

    def _raw_name(self, name: str) -> bytes:
        """Return a member's name as the archive stores it."""
        utf8 = self._members[name].flag_bits & _UTF8_NAME
        return name.encode("utf-8" if utf8 else "cp437")


def _zip_problem(member: zipfile.ZipInfo, name: str, medium: Medium) -> Reason | None:
    """Return why a member cannot be read."""
    if member.flag_bits & _ENCRYPTED:
        return f"{name}: encrypted", "a zip without a password", "unpack it and zip it without one"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return (
            f"{name}: compressed by method {member.compress_type}",
            "members that are stored or deflated",
            f"zip the {plural(medium.content)} again",
        )
    if member.file_size > MAX_FILE_BYTES:
        return too_large(name, member.file_size)
    if member.file_size > _BOMB_BYTES and member.file_size > _BOMB_RATIO * member.compress_size:
        return (
            f"{name}: unpacks from {member.compress_size:,} to {member.file_size:,} bytes",
            f"an encoded {medium.content}",
            "remove it from the archive",
        )
    return None
