"""Sources whose items are encoded files, pictures or clips: in a folder, a zip or a tar."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, BinaryIO, Protocol

from ganeval.errors import InputError
from ganeval.machine.ahead import mapped
from ganeval.sources.base import Item, SourceInfo, plural
from ganeval.sources.files.chosen import not_chosen
from ganeval.sources.files.index import FilePlace, Index, Known
from ganeval.sources.files.index_files import Facts
from ganeval.sources.files.medium import Medium, Overview
from ganeval.sources.items import Reader

MAX_FILE_BYTES = 2**30
"""The largest encoded item; a file that claims to be larger is not read."""

NOT_REGULAR = "not a regular file"

Reason = tuple[str, str, str]
"""The three parts of an InputError: found, needed, remedy."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The items of a container.

    Attributes:
        names: Their names within the container, sorted by raw bytes.
        ignored: Number of other files, by reason.
        problems: Items (by index) that cannot be read at all.
        headers: Headers (by index) that were read while listing, or why an item cannot be used.
        archives: The name of each item's archive, if the container is several archives.
        states: States of the files on a remote file system, which differ when the files do.
    """

    names: tuple[str, ...]
    ignored: Mapping[str, int]
    problems: Mapping[int, Reason]
    headers: Mapping[int, Any] = field(default_factory=dict)
    archives: tuple[str, ...] = ()
    states: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        ignored: Mapping[str, int],
        problems: Mapping[str, Reason],
        *,
        raw: Callable[[str], bytes],
        headers: Mapping[str, Any] | None = None,
    ) -> "Listing":
        """Sort the names; `raw` returns the bytes of a name as they are stored."""
        ordered = tuple(sorted(names, key=raw))
        return cls(
            ordered,
            dict(sorted(ignored.items())),
            {at: problems[name] for at, name in enumerate(ordered) if name in problems},
            {at: headers[name] for at, name in enumerate(ordered) if name in headers}
            if headers
            else {},
        )

    @property
    def digest(self) -> str:
        """Hex SHA-256 over the names, and the states of remote files."""
        names = map(ascii, (*self.archives, *self.names, *self.states))
        return hashlib.sha256("\n".join(names).encode()).hexdigest()


class Container(Protocol):
    """Where encoded items lie."""

    @property
    def listing(self) -> Listing:
        """What is in it."""

    @property
    def num_threads(self) -> int:
        """How many items to read at once."""

    def name(self, index: int) -> str:
        """Return the name of an item in messages."""

    def place(self, index: int) -> FilePlace | None:
        """Return the local file that an item lies in; None if it is remote."""

    def stream(self, index: int) -> AbstractContextManager[BinaryIO]:
        """Open the encoded item for reading and seeking; InputError if that fails."""

    def read(self, index: int) -> bytes:
        """Return the encoded item; InputError if that fails."""

    def check(self) -> None:
        """Raise UnstableError if the content may have changed since it was listed.

        Called after reading. A container with a file for each item has nothing to check: a file is
        read at once, and hashed.
        """


class EmptyError(InputError):
    """A container without an item.

    Attributes:
        listing: What is there instead.
    """

    listing: Listing


def check_not_empty(listing: Listing, location: str, medium: Medium) -> None:
    """Refuse a container without items, saying what is there instead.

    Raises:
        EmptyError: There are none.
    """
    if listing.names:
        return
    counts = ", ".join(f"{reason}: {count}" for reason, count in listing.ignored.items())
    found = f"{location}: no {medium.noun} ({counts or 'nothing in it'})"
    things = plural(medium.content)
    error = EmptyError(
        found,
        f"files that end in {', '.join(medium.suffixes)}",
        f"name the place that holds the {things}",
    )
    if not_chosen(medium) in listing.ignored:
        error = EmptyError(
            found, "a pattern such as `*_fake_B.png` or `test/*.jpg`", "correct it, or leave it out"
        )
    error.listing = listing
    raise error


def too_large(name: str, num_bytes: int) -> Reason:
    """Return the reason for a file that is too large for an encoded item."""
    return (
        f"{name}: {num_bytes:,} bytes long",
        f"an encoded item of at most {MAX_FILE_BYTES:,} bytes",
        "remove the file",
    )


def twins(name: str, location: str) -> InputError:
    """Return the error for two members of one name: it is unclear which is meant."""
    return InputError(
        f"{location}: two members are called '{name}'",
        "names that differ",
        "make the archive again",
    )


@dataclass(frozen=True, kw_only=True)
class EncodedSource:
    """The items of a container, as its medium decodes them.

    Attributes:
        kind: Name in the table of sources.
        location: As the user wrote it.
        container: Where they lie; not empty.
        medium: What they are and how they are decoded.
        classes: Their labels, if they have any.
        known: What the index knows of the files; None: all are read.
    """

    kind: str
    location: str
    container: Container
    medium: Medium
    classes: tuple[str, ...] | None = None
    known: Known | None = None

    def __len__(self) -> int:
        return len(self.container.listing.names)

    @cached_property
    def info(self) -> SourceInfo:
        """Facts about the source; the first access reads the headers that are not known."""
        return SourceInfo(
            kind=self.kind,
            location=self.location,
            count=len(self),
            content=self.medium.content,
            noun=self.medium.noun,
            settings=self.medium.settings(),
            ignored=self.container.listing.ignored,
            sizes=self._headers.overview.sizes,
            notes=self._headers.overview.notes,
            found=self._headers.overview.found,
            fingerprint=self.container.listing.digest,
        )

    def knowing(self, index: Index, location: str) -> "EncodedSource":
        """Return the same source, which asks the index before it reads a file at `location`."""
        return replace(self, known=index.look_up(location, self.container.place, len(self)))

    def load(self, indices: Sequence[int]) -> list[Item]:
        """Read and hash the files at `indices` that are not known; see `Source.load`."""
        known = {
            index: digest
            for index in indices
            if self.known is not None and (digest := self.known.digest(index)) is not None
        }
        try:
            items = self._reader.load(indices, known)
        finally:  # an archive that has changed seems to be damaged
            self.container.check()
        if self.known is not None:
            self.known.learn(
                (index, Facts(digest=item.digest))
                for index, item in zip(indices, items, strict=True)
                if index not in known
            )
        return items

    def unusable(self) -> Mapping[int, str]:
        """Return the items whose headers show that they cannot be used, and why."""
        return self._headers.unusable

    def lengths(self) -> Mapping[int, tuple[int, int]] | None:
        """Return samples and rate of each usable item, by index; None if they are not clips."""
        found = {at: self.medium.length(header) for at, header in self._headers.headers.items()}
        return {at: one for at, one in found.items() if one is not None} or None

    def names(self) -> Sequence[str]:
        """Return the path of each item within the container."""
        return self.container.listing.names

    def labels(self) -> tuple[str, ...] | None:
        """Return the class of each item."""
        return self.classes

    def header(self, index: int) -> Any:
        """Read the header of a file; nothing is decoded.

        Raises:
            InputError: The header shows that the file cannot be used.
        """
        problem = self.container.listing.problems.get(index)
        if problem is not None:
            raise InputError(*problem)
        known = self.container.listing.headers.get(index)
        if isinstance(known, InputError):
            raise known
        if known is not None:
            return known
        with self.container.stream(index) as stream:
            return self.medium.read_header(stream, name=self.container.name(index))

    @cached_property
    def _reader(self) -> Reader[bytes]:
        """How the files become items."""
        return Reader(
            name=self.container.name,
            read=self._read,
            num_bytes=len,
            digest=lambda content: hashlib.sha256(content).digest(),
            decode=self.medium.decode,
            num_threads=self.container.num_threads,
            changed=self._changed,
        )

    def _changed(self, index: int) -> None:
        """Forget what was known of a file."""
        if self.known is not None:
            self.known.forget(index)

    def _read(self, index: int) -> bytes:
        """Return a file's bytes."""
        problem = self.container.listing.problems.get(index)
        if problem is not None:
            raise InputError(*problem)
        return self.container.read(index)

    def _look(self, index: int) -> Any:
        """Return the header of a file, or the error that says why it cannot be used."""
        known = None if self.known is None else self.known.header(index)
        try:
            if known is None:
                return self.header(index)
            self.medium.check_header(known, name=self.container.name(index))
            return known
        except InputError as error:
            return error

    @cached_property
    def _headers(self) -> "_Headers":
        """What the headers of all files say."""
        num_threads = self.container.num_threads
        looks = list(mapped(self._look, range(len(self)), num_threads=num_threads))
        self.container.check()
        if self.known is not None:
            listed = self.container.listing.headers  # read before the files' states were taken
            self.known.learn(
                (index, Facts(header=header))
                for index, header in enumerate(looks)
                # An error is not kept, since its text has the item's name.
                if not isinstance(header, InputError)
                and index not in listed
                and self.known.header(index) is None
            )
        usable = {
            index: header
            for index, header in enumerate(looks)
            if not isinstance(header, InputError)
        }
        names = self.container.listing.names
        return _Headers(
            headers=usable,
            overview=self.medium.overview((names[at], header) for at, header in usable.items()),
            unusable={
                index: str(header)
                for index, header in enumerate(looks)
                if isinstance(header, InputError)
            },
        )


@dataclass(frozen=True, slots=True)
class _Headers:
    """What the headers of all files say.

    Attributes:
        headers: Headers of the files that can be used, by index.
        overview: Their summary.
        unusable: Why the others cannot be used, by index.
    """

    headers: Mapping[int, Any]
    overview: Overview
    unusable: Mapping[int, str]
