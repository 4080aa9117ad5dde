"""Items that decode what was hashed, while only a limited amount stays in memory."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Generic, TypeVar

from ganeval.errors import InputError, UnstableError
from ganeval.machine.ahead import mapped
from ganeval.sources.base import Content, Item

KEPT_BYTES = 256 * 2**20  # of one `load`; the items beyond are read again when they are decoded

Stored = TypeVar("Stored")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader(Generic[Stored]):
    """How the items of one source are named, read, hashed and decoded.

    Attributes:
        name: The name of the item at an index, in messages.
        read: What is stored of it; may be called from any thread; raises InputError.
        num_bytes: How much memory that takes.
        digest: SHA-256 of it.
        decode: Its content; the item's name is for the message of an InputError.
        num_threads: How many items are read at once.
        changed: Called with the index of a known item that has changed.
    """

    name: Callable[[int], str]
    read: Callable[[int], Stored]
    num_bytes: Callable[[Stored], int]
    digest: Callable[[Stored], bytes]
    decode: Callable[[Stored, str], Content]
    num_threads: int = 1
    changed: Callable[[int], None] = lambda _: None

    def load(
        self, indices: Sequence[int], known: Mapping[int, bytes] = MappingProxyType({})
    ) -> list[Item]:
        """Read and hash the items at `indices`, except those whose digest is `known`.

        The first `KEPT_BYTES` stay in memory with their items. The others are read again when their
        content is asked for, and must not have changed. Known items are read only then.

        Raises:
            InputError: An item cannot be read.
        """
        items = []
        left = KEPT_BYTES
        unknown = [index for index in indices if index not in known]
        values = mapped(self.read, unknown, num_threads=self.num_threads)
        for index in indices:
            name = self.name(index)
            if index in known:
                digest = known[index]
                content = partial(self._content_again, index, digest)
            else:
                stored = next(values)
                digest = self.digest(stored)
                left -= self.num_bytes(stored)
                content = (
                    partial(self.decode, stored, name)
                    if left >= 0
                    else partial(self._content_again, index, digest)
                )
            items.append(Item(name, digest, content))
        return items

    def _content_again(self, index: int, digest: bytes) -> Content:
        """Read an item whose digest is known, and decode it if it is still the same.

        Raises:
            UnstableError: It can't be read any more, or has changed.
        """
        name = self.name(index)
        try:
            stored = self.read(index)
        except InputError as error:
            raise UnstableError(error.found, error.needed, error.remedy) from error
        if self.digest(stored) != digest:
            self.changed(index)
            raise UnstableError(
                f"{name}: changed while it was read",
                "items that stay the same during a run",
                "run again when nothing writes there",
            )
        return self.decode(stored, name)
