"""What the files of a container are, and how they become content."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, ClassVar, Protocol

from ganeval.sources.base import Content


@dataclass(frozen=True, slots=True)
class Overview:
    """What the headers of all files say.

    Attributes:
        sizes: See `SourceInfo`.
        notes: See `SourceInfo`.
        found: See `SourceInfo`.
    """

    sizes: Mapping[tuple[int, int], int] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)
    found: Mapping[str, object] = field(default_factory=dict)


class Medium(Protocol):
    """What the files of a container are and how they are decoded: a frozen value.

    Attributes:
        content: What each is; see `SourceInfo.content`.
        noun: Plural noun of the items in messages.
        suffixes: The endings of their files.
        alike: The endings of similar files, which are left alone.
        left_alone: The reason under which those are counted.
    """

    content: ClassVar[str]
    noun: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    alike: ClassVar[frozenset[str]]
    left_alone: ClassVar[str]

    def settings(self) -> dict[str, object]:
        """Return all options that change contents, as JSON values."""

    def read_header(self, stream: IO[bytes], *, name: str) -> Any:
        """Return the header of a file, hashable; InputError if it shows that it is unusable."""

    def check_header(self, header: Any, *, name: str) -> None:
        """Raise InputError if a header that was read before shows that its file is unusable."""

    def decode(self, content: bytes, name: str) -> Content:
        """Return the content of a file; InputError if it cannot be used."""

    def overview(self, headers: Iterable[tuple[str, Any]]) -> Overview:
        """Return what the headers say, each with the name of its file."""

    def length(self, header: Any) -> tuple[int, int] | None:
        """Return samples and rate of the clip that a file becomes; None if it is not sound."""

    def lenient(self) -> "Medium | None":
        """Return a medium that accepts a fault which may hide another; None if there is none."""
