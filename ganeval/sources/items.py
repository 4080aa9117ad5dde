"""Items that decode what was hashed, while only so much of it stays in memory."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Generic, TypeVar

from ganeval.ahead import mapped
from ganeval.errors import InputError, UnstableError
from ganeval.images.image import Image
from ganeval.sources.base import Item

KEPT_BYTES = 256 * 2**20  # of one `load`; what lies beyond is read again when it is decoded

Content = TypeVar("Content")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader(Generic[Content]):
    """How the items of one source are named, read, hashed and decoded.

    Attributes:
        name: Of the item at an index, as messages call it.
        read: Its content; may be called from any thread; raises InputError.
        num_bytes: How much memory a content takes.
        digest: SHA-256 of a content.
        decode: The picture of a content; the item's name is for the message of an InputError.
        num_threads: How many items are read at once.
        changed: Told the index of an item that is not what it was known to be.
    """

    name: Callable[[int], str]
    read: Callable[[int], Content]
    num_bytes: Callable[[Content], int]
    digest: Callable[[Content], bytes]
    decode: Callable[[Content, str], Image]
    num_threads: int = 1
    changed: Callable[[int], None] = lambda _: None

    def load(
        self, indices: Sequence[int], known: Mapping[int, bytes] = MappingProxyType({})
    ) -> list[Item]:
        """Read and hash the items at `indices`, but those whose digest is `known`.

        The first `KEPT_BYTES` of content stay with their items. The others are read once more when
        their picture is asked for, and must not have changed; the known ones are read then.

        Raises:
            InputError: An item cannot be read.
        """
        items = []
        left = KEPT_BYTES
        unknown = [index for index in indices if index not in known]
        contents = mapped(self.read, unknown, num_threads=self.num_threads)
        for index in indices:
            name = self.name(index)
            if index in known:
                digest = known[index]
                image = partial(self._image_again, index, digest)
            else:
                content = next(contents)
                digest = self.digest(content)
                left -= self.num_bytes(content)
                image = (
                    partial(self.decode, content, name)
                    if left >= 0
                    else partial(self._image_again, index, digest)
                )
            items.append(Item(name, digest, image))
        return items

    def _image_again(self, index: int, digest: bytes) -> Image:
        """Read an item whose digest is known, and decode it if it is still the same.

        Raises:
            UnstableError: It can't be read any more, or is another one now.
        """
        name = self.name(index)
        try:
            content = self.read(index)
        except InputError as error:
            raise UnstableError(error.found, error.needed, error.remedy) from error
        if self.digest(content) != digest:
            self.changed(index)
            raise UnstableError(
                f"{name}: changed while it was read",
                "pictures that stay the same during a run",
                "run again when nothing writes there",
            )
        return self.decode(content, name)
