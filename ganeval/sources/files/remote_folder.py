"""Folders of pictures or clips on remote file systems."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import BinaryIO, cast

from ganeval.errors import InputError
from ganeval.machine.remote import NUM_READERS, RemotePath
from ganeval.machine.remote_file import RemoteFile
from ganeval.sources.files.chosen import ignored_reason
from ganeval.sources.files.encoded import (
    MAX_FILE_BYTES,
    Listing,
    Reason,
    check_not_empty,
    too_large,
)
from ganeval.sources.files.medium import Medium
from ganeval.sources.paths import missing, unreadable


class RemoteFolder:
    """The files of a medium in a folder on a remote file system, listed once and read on demand."""

    num_threads = NUM_READERS

    def __init__(self, location: str, medium: Medium, pattern: str | None = None) -> None:
        self._root = RemotePath.of(location)
        try:
            self._sizes = self._root.sizes()
        except FileNotFoundError as error:
            raise missing(location) from error
        listing = _choose(self._sizes, self._root.url, medium, pattern)
        sizes = tuple(str(self._sizes[name]) for name in listing.names)
        self.listing = replace(listing, states=sizes)
        check_not_empty(self.listing, location, medium)

    def name(self, index: int) -> str:
        """Return the URL of an item, its name in messages."""
        return f"{self._root.url}/{self.listing.names[index]}"

    def place(self, index: int) -> None:
        """Return None: it is not a local file."""

    @contextmanager
    def stream(self, index: int) -> Iterator[BinaryIO]:
        """Open the file of an item; only the parts that are read are fetched."""
        name = self.listing.names[index]
        try:
            yield cast(BinaryIO, RemoteFile(self._root / name, self._sizes[name]))
        except FileNotFoundError as error:
            raise _gone(self.name(index), error) from error

    def read(self, index: int) -> bytes:
        """Return the bytes of an item."""
        try:
            return (self._root / self.listing.names[index]).read()
        except FileNotFoundError as error:
            raise _gone(self.name(index), error) from error

    def check(self) -> None:
        """Do nothing; see `Container`."""


def _choose(sizes: Mapping[str, int], url: str, medium: Medium, pattern: str | None) -> Listing:
    """Choose the items among the files."""
    ignored: Counter[str] = Counter()
    problems: dict[str, Reason] = {}
    names = []
    for name, size in sizes.items():
        reason = ignored_reason(name, medium, pattern)
        if reason is not None:
            ignored[reason] += 1
            continue
        names.append(name)
        if size > MAX_FILE_BYTES:
            problems[name] = too_large(f"{url}/{name}", size)
    return Listing.of(names, ignored, problems, raw=os.fsencode)


def _gone(name: str, error: FileNotFoundError) -> InputError:
    """Return the error for a file that was listed and is gone."""
    error.strerror = error.strerror or "not there any more"
    return unreadable(name, error)
