"""Sources whose pictures are encoded files: in a folder, a zip or a tar."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import BinaryIO, Protocol

from ganeval.errors import InputError
from ganeval.images.decode import Header, check_header, decode, read_header
from ganeval.images.picture import SUFFIXES, DecodePolicy, Picture
from ganeval.machine.ahead import mapped
from ganeval.sources.base import Item, SourceInfo
from ganeval.sources.files.index import FilePlace, Index, Known
from ganeval.sources.files.index_files import Facts
from ganeval.sources.files.picture_options import fits_pattern
from ganeval.sources.fit import Fit
from ganeval.sources.items import Reader

MAX_FILE_BYTES = 2**30
"""No encoded picture is larger than this; what claims to be is not read."""

DOT_FILES = "dot files"
OTHER_FILES = "other files"
LIKE_PICTURES = "files of other picture formats"
LINKS = "links"
NOT_CHOSEN = "pictures that do not fit the pattern"
NOT_REGULAR = "not a regular file"
JPEG_NOTE = "JPEG data under another suffix"
_JPEG_ENDINGS = (".jpg", ".jpeg", ".jfif")

MAYBE_PICTURES = (LIKE_PICTURES, LINKS)
"""Reasons for which files are left alone whose owner may take them for pictures of the source."""

# Endings of raster pictures, and of pixels as arrays, that are no endings of pictures here.
_LIKE_PICTURES = frozenset(
    [
        "apng",
        "arw",
        "cr2",
        "cr3",
        "dds",
        "dng",
        "exr",
        "hdr",
        "icns",
        "ico",
        "j2c",
        "j2k",
        "jfi",
        "jif",
        "jpe",
        "jpf",
        "jpx",
        "nef",
        "npy",
        "orf",
        "pbm",
        "pcx",
        "pfm",
        "pnm",
        "psd",
        "qoi",
        "raf",
        "raw",
        "rw2",
        "svg",
        "tga",
        "xcf",
    ]
)

Reason = tuple[str, str, str]
"""The three parts of an InputError: found, needed, remedy."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The pictures of a container.

    Attributes:
        names: Their names within the container, sorted by raw bytes.
        ignored: What else there is, counted by reason.
        problems: Pictures (by index) that cannot be read at all.
        headers: What those pictures (by index) say of themselves, or why they cannot be used, that
            had to be passed by in listing anyway.
        archives: Of a container that is a row of archives, the name of the one where each lies.
        states: What a remote file system says of its files, which differs when they do.
    """

    names: tuple[str, ...]
    ignored: Mapping[str, int]
    problems: Mapping[int, Reason]
    headers: Mapping[int, Header | InputError] = field(default_factory=dict)
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
        headers: Mapping[str, Header | InputError] | None = None,
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
    """Where encoded pictures lie."""

    @property
    def listing(self) -> Listing:
        """What is in it."""

    @property
    def num_threads(self) -> int:
        """How many pictures it pays to read at once."""

    def name(self, index: int) -> str:
        """Return how messages call a picture."""

    def place(self, index: int) -> FilePlace | None:
        """Return the file of this machine that a picture lies in; None if it lies elsewhere."""

    def stream(self, index: int) -> AbstractContextManager[BinaryIO]:
        """Open the encoded picture for reading and seeking; InputError if that fails."""

    def read(self, index: int) -> bytes:
        """Return the encoded picture; InputError if that fails."""

    def check(self) -> None:
        """Raise UnstableError if what was read may be other than what was listed.

        Called after reading. A container whose pictures each stand for themselves has nothing to
        check: what matters of them is read at once, and hashed.
        """


def ignored_reason(name: str, pattern: str | None = None) -> str | None:
    """Return why a file of this relative name (with slashes) is left alone, None for a picture."""
    # As pathlib does it, which takes several times as long, for every file.
    parts = [part for part in name.split("/") if part not in ("", ".")]
    ending = parts[-1].rpartition(".")[2].lower() if parts and "." in parts[-1] else ""
    if any(part.startswith(".") and part != ".." for part in parts):
        return DOT_FILES
    if ending not in SUFFIXES:
        return LIKE_PICTURES if ending in _LIKE_PICTURES else OTHER_FILES
    return None if fits_pattern(name, pattern) else NOT_CHOSEN


def check_not_empty(listing: Listing, location: str) -> None:
    """Refuse a container without pictures, saying what is there instead."""
    if listing.names:
        return
    counts = ", ".join(f"{reason}: {count}" for reason, count in listing.ignored.items())
    found = f"{location}: no images ({counts or 'nothing in it'})"
    if NOT_CHOSEN in listing.ignored:
        raise InputError(
            found, "a pattern as `*_fake_B.png` or `test/*.jpg`", "correct it, or leave it out"
        )
    raise InputError(
        found, f"files that end in {', '.join(SUFFIXES)}", "name the place that holds the pictures"
    )


def too_large(name: str, num_bytes: int) -> Reason:
    """Return the reason for a file that no encoded picture can be."""
    return (
        f"{name}: {num_bytes:,} bytes long",
        f"an encoded picture of at most {MAX_FILE_BYTES:,} bytes",
        "remove the file",
    )


def twins(name: str, location: str) -> InputError:
    """Return the error for a second member of a name: which of the two is meant, nobody knows."""
    return InputError(
        f"{location}: two members are called '{name}'",
        "names that differ",
        "make the archive anew",
    )


def policy_settings(policy: DecodePolicy) -> dict[str, object]:
    """Return the decode policy as JSON values, without `max_pixels`, which changes no pixel."""
    return {
        "transparency": policy.transparency,
        "animated": policy.animated,
        "exif": policy.exif,
        "float_range": list(policy.float_range) if policy.float_range else None,
    }


@dataclass(frozen=True, kw_only=True)
class EncodedSource:
    """The pictures of a container, decoded under a policy.

    Attributes:
        kind: Name in the table of sources.
        location: As the user wrote it.
        container: Where the pictures lie; not empty.
        policy: How they are decoded.
        fit: The size they are brought to.
        classes: Their labels, if they have any.
        known: What is known of the files already; None for a source that reads them all.
    """

    kind: str
    location: str
    container: Container
    policy: DecodePolicy
    fit: Fit
    classes: tuple[str, ...] | None = None
    known: Known | None = None

    def __len__(self) -> int:
        return len(self.container.listing.names)

    @cached_property
    def info(self) -> SourceInfo:
        """What the source is; the first access reads the headers that are not known."""
        return SourceInfo(
            kind=self.kind,
            location=self.location,
            count=len(self),
            settings=policy_settings(self.policy) | self.fit.settings(),
            ignored=self.container.listing.ignored,
            sizes=self._headers.sizes,
            notes=self._headers.notes,
            fingerprint=self.container.listing.digest,
        )

    def knowing(self, index: Index, location: str) -> "EncodedSource":
        """Return the same source, of whose files at `location` the index is asked first."""
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
        finally:  # an archive that is another one now seems to be damaged
            self.container.check()
        if self.known is not None:
            self.known.learn(
                (index, Facts(digest=item.digest))
                for index, item in zip(indices, items, strict=True)
                if index not in known
            )
        return items

    def unusable(self) -> Mapping[int, str]:
        """Return the pictures that cannot be used as far as their headers tell."""
        return self._headers.unusable

    def names(self) -> Sequence[str]:
        """Return the path of each picture within the container."""
        return self.container.listing.names

    def labels(self) -> tuple[str, ...] | None:
        """Return the class of each picture."""
        return self.classes

    def header(self, index: int) -> Header:
        """Read what a picture file says of itself; no pixel is decoded.

        Raises:
            InputError: It cannot be used, as far as its header tells.
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
            return read_header(stream, name=self.container.name(index), policy=self.policy)

    @cached_property
    def _reader(self) -> Reader[bytes]:
        """How the files become items."""
        return Reader(
            name=self.container.name,
            read=self._read,
            num_bytes=len,
            digest=lambda content: hashlib.sha256(content).digest(),
            decode=self._decode,
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

    def _look(self, index: int) -> Header | InputError:
        """Return what a picture file says of itself, or why it cannot be used."""
        known = None if self.known is None else self.known.header(index)
        try:
            if known is None:
                return self.header(index)
            check_header(known, name=self.container.name(index), policy=self.policy)
            return known
        except InputError as error:
            return error

    def _decode(self, content: bytes, name: str) -> Picture:
        """Return the picture in a file's bytes."""
        return self.fit(decode(content, name=name, policy=self.policy))

    @cached_property
    def _headers(self) -> "_Headers":
        """What the headers of all pictures say."""
        sizes: Counter[tuple[int, int]] = Counter()
        notes: Counter[str] = Counter()
        unusable: dict[int, str] = {}
        num_threads = self.container.num_threads
        looks = list(mapped(self._look, range(len(self)), num_threads=num_threads))
        for index, header in enumerate(looks):
            if isinstance(header, InputError):
                unusable[index] = str(header)
                continue
            sizes[header.width, header.height] += 1
            notes[JPEG_NOTE] += is_misnamed_jpeg(header, self.container.listing.names[index])
        self.container.check()
        if self.known is not None:
            listed = self.container.listing.headers  # read before the files were looked at
            self.known.learn(
                (index, Facts(header=header))
                for index, header in enumerate(looks)
                # A refusal is told anew each time, for its text has the name.
                if isinstance(header, Header)
                and index not in listed
                and self.known.header(index) is None
            )
        return _Headers(dict(sorted(sizes.items())), dict(+notes), unusable)


@dataclass(frozen=True, slots=True)
class _Headers:
    """What the headers of all pictures say.

    Attributes:
        sizes: Number of pictures by (width, height).
        notes: Number of pictures by what there is to say of their names.
        unusable: The pictures that cannot be used, by index, with the reason.
    """

    sizes: Mapping[tuple[int, int], int]
    notes: Mapping[str, int]
    unusable: Mapping[int, str]


def is_misnamed_jpeg(header: Header, name: str) -> bool:
    """Tell whether a JPEG, which has lost detail, is called otherwise."""
    return header.format == "JPEG" and not name.lower().endswith(_JPEG_ENDINGS)
