"""The types that every source speaks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from ganeval.audio.clip import Clip
from ganeval.errors import InputError
from ganeval.images.picture import Picture
from ganeval.images.seen import Seen


class Content(Protocol):
    """What an item is once it is decoded: a `Picture`, a `Pair`, or whatever else a network takes.

    Its class says which; the extractor that it is meant for knows what to do with it.
    """

    @property
    def notes(self) -> tuple[str, ...]:
        """Short fixed phrases of what decoding did, which are counted over a source."""


class Pair(NamedTuple):
    """Two contents that are looked at together."""

    one: Content
    other: Content

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes of both, each once."""
        return tuple(dict.fromkeys([*self.one.notes, *self.other.notes]))


def plural(content: str) -> str:
    """Return what several contents of a kind are called: "clips", "pairs of pictures"."""
    what, of, rest = content.partition(" of ")
    return f"{what}s{of}{rest}"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of a source: a picture, a clip of sound, a text, a pair.

    Attributes:
        name: Its name in messages (`"fake/0001.png"`, `"faces.zip:0001.png"`, `"batch.npz[17]"`).
        digest: SHA-256 (32 bytes) of what the item is stored as: a file's bytes; an array's shape
            and bytes; for what a network generates, of everything that makes it.
        content: Decodes exactly what was hashed. Safe to call from any thread. Raises InputError
            that begins with `name` if that cannot be used, or is no longer what was hashed.
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
                f"{self.name}: a {kind.__module__}.{kind.__qualname__}, and no ganeval.Clip",
                "clips of sound",
                "name a source of clips",
            )
        return content


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInfo:
    """Facts about a source, known without decoding an item.

    Attributes:
        kind: The name of the source's kind in the table (`"folder"`, `"zip"`, ...).
        content: What each item is, in the words of the networks that take it (`Input.takes`):
            "picture", "pair of pictures", "clip".
        noun: Plural noun of the items in messages.
        location: As the user wrote it, but printable; the report calls the source by it.
        count: The number of items.
        settings: All options that change contents (decode policy, size, crop), flat, JSON values;
            part of every cache key.
        ignored: What was counted and left alone, by reason (`{"dot files": 2}`).
        sizes: Number of pictures by native (width, height), as far as headers tell; may be
            empty.
        notes: Number of items by what there is to say of their names; what there is to say of
            their content comes with each `Content`.
        found: What trying the source out has shown, JSON values; part of no key.
        seen: The values that its items were seen to have so far, of a source of arrays.
        fingerprint: Hex digest of what tells the items from others before they are read (file
            names, a generator's network), which processes that share the work compare; may be
            empty.
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
        """Return the items that cannot be used as far as headers tell, with the reason for each.

        Keys are indices, values one-line reasons that begin with the item's name, or that of the
        part of it that is bad. Cheap: nothing is decoded. An empty mapping says nothing about
        damage that only decoding shows.
        """

    def names(self) -> Sequence[str]:
        """Return the name of each item within the source: `a/0001.png`, of an array `17`.

        Nothing is read. By these names the items of two sources are paired; they need not differ.
        """

    def labels(self) -> tuple[str, ...] | None:
        """Return the class of each item, a folder's name or a number as text; None without classes.

        Nothing is decoded.

        Raises:
            InputError: There is something where labels should be that cannot be them.
        """
