"""One pass over a source: what each of its pictures shows."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt

from ganeval.doctor.likeness import SIDE, Thumbnails, nearly_same
from ganeval.doctor.look import Look, Refusal, look_at
from ganeval.errors import InputError
from ganeval.features.stats import Stats
from ganeval.images.decode import Header
from ganeval.machine.progress import Progress
from ganeval.sources.base import Item, Source
from ganeval.sources.files.encoded import EncodedSource
from ganeval.sources.files.pictures import Pictures

_BLOCK = 256  # items that are read at once


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """What there is to know of a source; its pixels are gone.

    Attributes:
        location: As the user wrote it.
        kind: Kind of source; "stats" for stored statistics alone.
        count: Number of its pictures that were examined; None if a statistics file does not say it.
        looks: Findings about each picture, in order, including refused pictures that can be
            decoded.
        refusals: The pictures that scoring refuses, in order.
        ignored: What was counted and left alone, by reason.
        stats: The stored statistics in it, if there are any.
        extractor: Name of the network that is to score it.
        num_features: How many features the network has.
        num_wanted: How many pictures scoring was told to use; None for all.
        num_skippable: How many refused pictures scoring was told to skip.
        item: What each item is.
        noun: What several are called.
    """

    location: str
    kind: str
    count: int | None
    looks: Sequence[Look] = ()
    refusals: Sequence[Refusal] = ()
    ignored: Mapping[str, int]
    stats: Stats | None
    extractor: str
    num_features: int
    num_wanted: int | None = None
    num_skippable: int = 0
    item: str = "picture"
    noun: str = "pictures"

    @cached_property
    def sizes(self) -> Counter[tuple[int, int]]:
        """Number of pictures by stored (width, height)."""
        return Counter(look.size for look in self.looks)

    @cached_property
    def formats(self) -> Counter[str]:
        """Number of pictures by file format; empty if they are not files."""
        return Counter(look.header.format for look in self.looks if look.header is not None)

    @cached_property
    def modes(self) -> Counter[str]:
        """Number of pictures by Pillow's name of the pixel format; empty if they are not files."""
        return Counter(look.header.mode for look in self.looks if look.header is not None)

    @cached_property
    def digests(self) -> Counter[bytes]:
        """Number of pictures by content."""
        return Counter(look.digest for look in self.looks)

    @cached_property
    def first_of_each(self) -> tuple[Look, ...]:
        """The pictures without exact repetitions."""
        return tuple({look.digest: look for look in reversed(self.looks)}.values())[::-1]

    @cached_property
    def thumbnails(self) -> Thumbnails:
        """The thumbnails of `first_of_each`."""
        rows = [look.thumbnail for look in self.first_of_each]
        return np.array(rows, np.uint8).reshape(-1, SIDE * SIDE)

    @cached_property
    def likeness(self) -> npt.NDArray[np.int64]:
        """For each of `first_of_each` the place there of one that looks like it, or -1."""
        return nearly_same(self.thumbnails)


def look_over(
    source: Source, indices: Sequence[int], *, pool: Executor, progress: Progress
) -> tuple[list[Look], list[Refusal]]:
    """Look at the pictures of a source at `indices`, once each.

    Files that scoring refuses for a reason other than damage (transparency, frames) are looked at
    as if they were accepted, so that one call finds all problems.
    """
    looks: list[Look] = []
    refusals: list[Refusal] = []
    label, total = source.info.location, len(indices)
    lenient = _lenient(source)
    look = partial(_look, lenient=lenient)
    progress(label, 0, total, source.info.noun)
    for start in range(0, total, _BLOCK):
        block = indices[start : start + _BLOCK]
        for seen, refusal in pool.map(look, block, load_each(source, block)):
            if seen is not None:
                looks.append(seen)
            if refusal is not None:
                refusals.append(refusal)
        progress(label, start + len(block), total, source.info.noun)
    return looks, refusals


def load_each(source: Source, indices: Sequence[int]) -> Iterator[Item | Refusal]:
    """Yield each item, or why it cannot be read."""
    try:
        yield from source.load(indices)
    except InputError as error:
        if len(indices) > 1:
            for index in indices:
                yield from load_each(source, [index])
        else:
            yield refusal_of(error)


def _lenient(source: Source) -> EncodedSource | None:
    """Return a source of files that takes transparency and the first of several frames."""
    if not isinstance(source, EncodedSource) or not isinstance(source.medium, Pictures):
        return None
    medium = source.medium
    transparency = "drop" if medium.policy.transparency == "error" else medium.policy.transparency
    policy = replace(medium.policy, transparency=transparency, animated="first")
    return replace(source, medium=replace(medium, policy=policy))


def _look(
    index: int, item: Item | Refusal, *, lenient: EncodedSource | None
) -> tuple[Look | None, Refusal | None]:
    """Return what a picture shows, and why scoring would refuse it."""
    if isinstance(item, Refusal):
        return None, item
    header = _header(lenient, index)
    try:
        picture = item.picture()
        return look_at(picture, name=item.name, digest=item.digest, header=header), None
    except InputError as error:
        refusal = refusal_of(error, item.name)
    if lenient is None:
        return None, refusal
    try:
        picture = lenient.load([index])[0].picture()
    except InputError:
        return None, refusal
    return look_at(picture, name=item.name, digest=item.digest, header=header), refusal


def _header(source: EncodedSource | None, index: int) -> Header | None:
    """Return what a picture file says of itself, if it is a file and says it."""
    try:
        return None if source is None else source.header(index)
    except InputError:
        return None


def refusal_of(error: InputError, name: str | None = None) -> Refusal:
    """Return an error as a value; without a name, all before its first colon and space is one."""
    return Refusal(
        name=error.found.partition(": ")[0] if name is None else name,
        found=error.found,
        needed=error.needed,
        remedy=error.remedy,
    )
