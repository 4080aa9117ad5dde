"""Open what a user names as the sides of a run: sources, and the items to use."""

import dataclasses
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganeval.errors import InputError, UsageError, one_line
from ganeval.features.stats import Stats, is_stats, load_stats
from ganeval.flow.clusters import Clusters, find_clusters
from ganeval.flow.settings import Settings
from ganeval.flow.streams import derive_rng
from ganeval.generators.terms import NUM_IMAGES
from ganeval.images.picture import DecodePolicy
from ganeval.machine.remote import refuse_offline
from ganeval.metrics.base import Role
from ganeval.sources.base import Source
from ganeval.sources.files.index import Index
from ganeval.sources.open import open_source
from ganeval.sources.refusals import find_refusals
from ganeval.sources.unusable import check_skipped, is_too_many, unusable_items


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A source with its role in a run, opened.

    Attributes:
        role: Its role.
        location: Its name in the report.
        source: Its items; None for statistics alone.
        indices: The items to use, in order.
        stats: Stored statistics, if the file has them.
        skipped: Reasons, beginning with the item's name, for items left out already.
        opens: Opens the source again in another process; None for one in memory.
        clusters: The cluster of each item of the source, int64 [len(source)]; None if all items
            are independent.
    """

    role: Role
    location: str
    source: Source | None
    indices: tuple[int, ...]
    stats: Stats | None
    skipped: tuple[str, ...]
    opens: "Opens | None" = None
    clusters: Clusters | None = None


@dataclass(frozen=True, slots=True)
class Opens:
    """Opens a source by what the user wrote, in any process.

    Attributes:
        text: A path or a text with a kind and options.
        policy: How pictures become 8-bit RGB.
        offline: Download nothing.
        generator: Options of generators' files.
    """

    text: str
    policy: DecodePolicy
    offline: bool
    generator: tuple[tuple[str, Any], ...]

    def __call__(self, index: Index | None = None) -> Source:
        """Open the source; see `open_source`."""
        return open_source(
            self.text,
            policy=self.policy,
            offline=self.offline,
            generator=dict(self.generator),
            index=index,
        )


def open_side(
    thing: Any,
    role: Role,
    settings: Settings,
    num_generated: int | None = None,
    *,
    index: Index | None = None,
) -> Side:
    """Open a source and choose its items.

    Args:
        thing: The source.
        role: Its role.
        settings: The options.
        num_generated: How many images a generator makes if the user does not say.
        index: What is known of local files.

    Raises:
        InputError: It cannot be used, or has too few clusters.
        UsageError: More items are wanted than it has.
    """
    generator = {
        "num_images": settings.num_images or num_generated,
        "seed": settings.seed,
        **settings.generator.given(),
    }
    opens = None
    if isinstance(thing, str | bytes | os.PathLike):
        opens = Opens(
            os.fsdecode(thing), settings.decode, settings.offline, tuple(generator.items())
        )
        source = opens(index)
    else:
        source = open_source(
            thing,
            policy=settings.decode,
            offline=settings.offline,
            generator=generator,
            index=index,
        )
    location = one_line(source.info.location) if _has_name(thing) else role
    bad = source.unusable()
    strict = settings.on_bad_image == "error"
    if bad and (strict or is_too_many(len(bad), len(source), settings.max_bad)):
        with ThreadPoolExecutor(settings.workers or os.cpu_count()) as pool:
            refusals = find_refusals(source, bad, pool=pool)
        if not strict:
            firsts = [told[0] for told in refusals.values()]
            check_skipped(location, firsts, len(source), settings.max_bad, source.info.content)
        reasons = [reason for told in refusals.values() for reason in told]
        raise unusable_items(
            location, reasons, num=len(refusals), total=len(source), content=source.info.content
        )
    usable = [index for index in range(len(source)) if index not in bad]
    indices = _choose_items(location, usable, role, settings, source.info.noun)
    return Side(
        role=role,
        location=location,
        source=source,
        indices=indices,
        stats=None,
        skipped=tuple(bad.values()),
        opens=opens,
        clusters=find_clusters(source, indices, location, settings.cluster_by),
    )


def open_reference(thing: Any, settings: Settings, *, index: Index | None = None) -> Side:
    """Open a reference: a source, stored statistics, or a file that is both.

    Raises:
        InputError: It cannot be used.
        UsageError: A subset of stored statistics is wanted.
    """
    refuse_offline(thing, offline=settings.offline)
    if not isinstance(thing, str | os.PathLike) or not is_stats(os.fspath(thing)):
        return open_side(thing, "reference", settings, index=index)
    stats = load_stats(os.fspath(thing))
    if settings.num_images is not None:
        raise UsageError(
            f"{stats.path}: holds statistics of all its {stats.noun}, but --num-images asks for "
            "some",
            stats.noun,
            f"name the {stats.noun[:-1]} source itself, or leave --num-images out",
        )
    try:
        side = open_side(thing, "reference", settings, index=index)
    except InputError:  # only statistics, as in most such files
        location = one_line(os.fspath(thing))
        return Side(
            role="reference", location=location, source=None, indices=(), stats=stats, skipped=()
        )
    return dataclasses.replace(side, stats=stats)


def num_generated(reference: Side | None) -> int | None:
    """Return how many images a generator makes: as many as the reference has, at most 50,000.

    None if that is not known.
    """
    if reference is None:
        return None
    num = reference.stats.num if reference.source is None and reference.stats else None
    if reference.source is not None:
        num = len(reference.indices)
    return None if num is None else min(num, NUM_IMAGES)


def check_generator_options(
    things: Sequence[Any], sides: Sequence[Side | None], settings: Settings
) -> None:
    """Refuse options of generators' files when none is among the sources.

    Args:
        things: As the user gave them.
        sides: Their sides; None for a source that was not opened.
        settings: The options.

    Raises:
        UsageError: Names the first of these options.
    """
    given = settings.generator.given()
    if given and not any(map(_is_generator_file, things, sides)):
        raise UsageError(
            f"option {next(iter(given))} is given, but no source is a generator's file",
            "a generator's file, for such an option",
            "leave it out, or correct the source",
        )


def _is_generator_file(thing: Any, side: Side | None) -> bool:
    """Tell whether a source takes options from the command, unlike a `Generator` in memory."""
    if side is None or side.source is None or side.source.info.kind != "generator":
        return False
    from ganeval.sources.generator import Generator

    return not isinstance(thing, Generator)


def _choose_items(
    location: str, usable: list[int], role: Role, settings: Settings, noun: str
) -> tuple[int, ...]:
    """Return all usable items, or a seeded subset of them in the source's order."""
    wanted = settings.num_images if role in ("sample", "reference") else None
    if wanted is None:
        return tuple(usable)
    if wanted > len(usable):
        raise UsageError(
            f"{location}: has {len(usable):,} {noun}, --num-images asks for {wanted:,}",
            f"at least as many {noun} as are asked for",
            f"lower num_images (--num-images) or add {noun}",
        )
    rng = derive_rng(settings.seed, f"num-images/{role}")
    chosen = rng.choice(len(usable), size=wanted, replace=False)
    return tuple(usable[position] for position in sorted(chosen.tolist()))


def _has_name(thing: Any) -> bool:
    """Tell whether a source has a name of its own, unlike a bare tensor, array or data set."""
    if isinstance(thing, str | bytes | os.PathLike):
        return True
    # Imported late: a run on files that are all known needs no torch.
    import torch
    from torch.utils.data import DataLoader

    from ganeval.sources.arrays.clips import Clips
    from ganeval.sources.arrays.memory import Images

    if isinstance(thing, Images | Clips):
        return thing.name is not None
    return not isinstance(
        thing, torch.Tensor | np.ndarray | list | tuple | DataLoader | torch.utils.data.Dataset
    )


def refuse_twins(sides: Sequence[Side]) -> None:
    """Refuse two samples with the same name, since their rows could not be told apart."""
    names = [side.location for side in sides]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"two samples are called '{name}'",
                "a name for each",
                "remove one, or name arrays with ganeval.Images(data, name=...)",
            )
