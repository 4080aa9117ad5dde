"""The types that every source speaks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ganeval.images.image import Image
from ganeval.images.seen import Seen


@dataclass(frozen=True, slots=True)
class Item:
    """One image of a source.

    Attributes:
        name: How messages call it (`"fake/0001.png"`, `"faces.zip:0001.png"`, `"batch.npz[17]"`).
        digest: SHA-256 (32 bytes) of the item's content: a file's bytes; an array's shape and
            bytes; for generated images, of everything that makes the image.
        image: Decodes exactly the content that was hashed. Safe to call from any thread. Raises
            InputError that begins with `name` if the content is no usable picture, or is no longer
            what was hashed.
    """

    name: str
    digest: bytes
    image: Callable[[], Image]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInfo:
    """What a source is, known without decoding a pixel.

    Attributes:
        kind: The name of the source's kind in the table (`"folder"`, `"zip"`, ...).
        location: As the user wrote it, but printable; the report calls the source by it.
        count: The number of images.
        settings: All options that change pixels (decode policy, size, crop), flat, JSON values;
            part of every cache key.
        ignored: What was counted and left alone, by reason (`{"dot files": 2}`).
        sizes: Number of images by native (width, height), as far as headers tell; may be empty.
        notes: Number of images by what there is to say of their names; what there is to say of
            their content comes with each `Image`.
        found: What trying the source out has shown, JSON values; part of no key.
        seen: The values that its images were seen to have so far, of a source of arrays.
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


class Source(Protocol):
    """Ordered, finite, re-readable images."""

    @property
    def info(self) -> SourceInfo:
        """What the source is."""

    def __len__(self) -> int: ...

    def load(self, indices: Sequence[int]) -> list[Item]:
        """Read the content of the items at `indices` and hash it; nothing is decoded yet.

        What an item is depends on its index alone, never on the other indices.

        Raises:
            InputError: An item cannot be read.
        """

    def unusable(self) -> Mapping[int, str]:
        """Return the items that cannot be used as far as headers tell, with the reason for each.

        Keys are indices, values one-line reasons that begin with the item's name. Cheap: no pixel
        is decoded. An empty mapping says nothing about damage that only decoding shows.
        """
