"""Types that all sources share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from ganeval.audio.clip import Clip
from ganeval.errors import InputError
from ganeval.images.picture import Picture
from ganeval.images.seen import Seen


class Content(Protocol):
    """A decoded item: a `Picture`, a `Clip`, a `Pair`, or anything else that a network takes.

    Its class says which. The extractor that takes it knows what to do with it.
    """

    @property
    def notes(self) -> tuple[str, ...]:
        """Short fixed phrases that say what decoding did; they are counted over a source."""


class Pair(NamedTuple):
    """Two contents that are looked at together."""

    one: Content
    other: Content

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes of both, each once."""
        return tuple(dict.fromkeys([*self.one.notes, *self.other.notes]))


def plural(content: str) -> str:
    """Return the plural of a kind of content: "clips", "pairs of pictures"."""
    what, of, rest = content.partition(" of ")
    return f"{what}s{of}{rest}"


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a source: a picture, a clip of sound, a text, a pair.

    Attributes:
        name: Its name in messages (`"fake/0001.png"`, `"faces.zip:0001.png"`, `"batch.npz[17]"`).
        digest: SHA-256 (32 bytes) of the stored item: a file's bytes; an array's shape and bytes;
            for a generated item, everything that determines it.
        content: Decodes exactly what was hashed. Safe to call from any thread. Raises an InputError
            that begins with `name` if the item cannot be used, or has changed since it was hashed.
    """

    name: str
    digest: bytes
    content: Callable[[], Content]

    def picture(self) -> Picture:
        """Return the content of an item that has to be a picture.

        Raises:
            InputError: It cannot be used (see `content`), or is not a picture.
        """
        content = self.content()
        if not isinstance(content, Picture):
            raise InputError(
                f"{self.name}: a {type(content).__name__.lower()}, not a picture",
                "pictures",
                "name a source of pictures",
            )
        return content

    def clip(self) -> Clip:
        """Return the content of an item that has to be a clip of sound.

        Raises:
            InputError: It cannot be used (see `content`), or is not a clip.
        """
        content = self.content()
        if not isinstance(content, Clip):
            kind = type(content)
            raise InputError(
                f"{self.name}: a {kind.__module__}.{kind.__qualname__}, not a ganeval.Clip",
                "clips of sound",
                "name a source of clips",
            )
        return content


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInfo:
    """Facts about a source, known without decoding an item.

    Attributes:
        kind: The name of the source's kind in the table (`"folder"`, `"zip"`, ...).
        content: What each item is, in the same words as `Input.takes` of a network: "picture",
            "pair of pictures", "clip".
        noun: Plural noun of the items in messages.
        location: What the user wrote, made printable; the report names the source by it.
        count: The number of items.
        settings: All options that change contents (decode policy, size, crop), flat, JSON values;
            part of every cache key.
        ignored: Number of files that were left alone, by reason (`{"dot files": 2}`).
        sizes: Number of pictures by native (width, height), taken from headers; may be empty.
        notes: Number of items for each note about their names; notes about content come with each
            `Content`.
        found: What headers or a trial of the source have shown, JSON values; not part of any key.
        seen: The values of the items read so far, for a source of arrays.
        fingerprint: Hex digest of what identifies the items before they are read (file names, a
            generator's network). Processes that share the work compare it. May be empty.
    """

    kind: str
    location: str
    count: int
    settings: Mapping[str, object] = field(default_factory=dict)
    ignored: Mapping[str, int] = field(default_factory=dict)
    sizes: Mapping[tuple[int, int], int] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)
    found: Mapping[str, object] = field(default_factory=dict)
    seen: Seen | None = None
    fingerprint: str = ""
    content: str = "picture"
    noun: str = "images"


class Source(Protocol):
    """Ordered, finite, re-readable items."""

    @property
    def info(self) -> SourceInfo:
        """Facts about the source."""

    def __len__(self) -> int: ...

    def load(self, indices: Sequence[int]) -> list[Item]:
        """Read the content of the items at `indices` and hash it; nothing is decoded yet.

        What an item is depends on its index alone, never on the other indices.

        Raises:
            InputError: An item cannot be read.
        """

    def unusable(self) -> Mapping[int, str]:
        """Return the items whose headers show that they cannot be used, and why.

        Keys are indices. Values are one-line reasons that begin with the name of the item, or of
        its bad part. Cheap: nothing is decoded, so damage that only decoding shows is missing.
        """

    def names(self) -> Sequence[str]:
        """Return the name of each item within the source: `a/0001.png`, or `17` in an array.

        Nothing is read. Items of two sources are paired by these names. Names may repeat.
        """

    def labels(self) -> tuple[str, ...] | None:
        """Return the class of each item, a folder's name or a number as text; None without classes.

        Nothing is decoded.

        Raises:
            InputError: The source has labels that cannot be used.
        """
