"""Tar archives of pictures or clips, one or several, read in place and never unpacked."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import PurePosixPath
from threading import Lock
from typing import BinaryIO, TypeVar

from ganeval.images.picture import DecodePolicy
from ganeval.machine.ahead import mapped
from ganeval.machine.remote import is_remote
from ganeval.sources.braces import expand_braces
from ganeval.sources.files.encoded import Container, EncodedSource, Listing
from ganeval.sources.files.file_options import FileOptions
from ganeval.sources.files.index import FilePlace
from ganeval.sources.files.medium import Medium
from ganeval.sources.files.tar_members import TarMembers
from ganeval.sources.paths import exists

_OPEN_TARS = 4  # of many: the one being read, and those whose items are still decoded
_LISTED_AT_ONCE = 8  # remote archives

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Tar(FileOptions):
    """Read the items of a tar without compression, or of several: `faces-{000..127}.tar`."""

    location: str

    def open(
        self, policy: DecodePolicy, *, offline: bool = False, written: str | None = None
    ) -> EncodedSource:
        """List the archives; see `Folder.open` for arguments and errors."""
        return self.source(
            "tar",
            lambda medium: _container(self.location, medium, self.pattern),
            policy=policy,
            location=self.location,
            written=written,
        )


def _container(location: str, medium: Medium, pattern: str | None) -> Container:
    """Return the items of a tar, or of all that its braces stand for."""
    # A local file may have braces in its name.
    literal = not is_remote(location) and exists(location)
    locations = [location] if literal else expand_braces(location)
    if locations == [location]:
        return TarMembers(location, medium, pattern)
    return TarShards(locations, medium, pattern)


class TarShards:
    """The items of several tars, in the order of the tars and of the names in each."""

    num_threads = 1

    def __init__(
        self, locations: Sequence[str], medium: Medium, pattern: str | None = None
    ) -> None:
        self._lock = Lock()
        self._recent: list[int] = []
        num_threads = _LISTED_AT_ONCE if is_remote(locations[0]) else 1
        listed = partial(_listed, medium=medium, pattern=pattern)
        self._tars = list(mapped(listed, locations, num_threads=num_threads))
        counts = [len(tar.listing.names) for tar in self._tars]
        self._starts = [0, *accumulate(counts)]
        self.listing = Listing(
            names=tuple(name for tar in self._tars for name in tar.listing.names),
            ignored=sum((Counter(tar.listing.ignored) for tar in self._tars), Counter()),
            problems=self._joined(tar.listing.problems for tar in self._tars),
            headers=self._joined(tar.listing.headers for tar in self._tars),
            archives=tuple(
                PurePosixPath(location).name
                for location, count in zip(locations, counts, strict=True)
                for _ in range(count)
            ),
            states=tuple(state for tar in self._tars for state in tar.listing.states),
        )

    def name(self, index: int) -> str:
        """Return `archive:member`, the name of an item in messages."""
        which, inner = self._find(index)
        return self._tars[which].name(inner)

    def place(self, index: int) -> FilePlace | None:
        """Return the archive and where a member begins in it; see `TarMembers.place`."""
        which, inner = self._find(index)
        return self._tars[which].place(inner)

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
        """Raise UnstableError if an archive in use has changed; each opening checks too."""
        with self._lock:
            recent = [self._tars[which] for which in self._recent]
        for tar in recent:
            tar.check()

    def _joined(self, parts: Iterable[Mapping[int, _Value]]) -> dict[int, _Value]:
        """Return mappings by index in each archive as one mapping by index over all archives."""
        return {
            start + index: value
            for start, part in zip(self._starts, parts, strict=False)
            for index, value in part.items()
        }

    def _find(self, index: int) -> tuple[int, int]:
        """Return the number of the archive, and the index of the item within it."""
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


def _listed(location: str, medium: Medium, pattern: str | None) -> TarMembers:
    """Return an archive that is listed and closed."""
    tar = TarMembers(location, medium, pattern)
    tar.rest()
    return tar
