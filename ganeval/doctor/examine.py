"""Look several sources over: open, one pass over each, then every check."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

from ganeval.doctor.checks import (
    copies,
    encoding,
    names,
    numbers,
    pairs,
    refused,
    sizes,
    sounds,
    values,
)
from ganeval.doctor.finding import SEVERITIES, AnyInventory, Finding
from ganeval.doctor.hearing import ClipInventory, hear_over
from ganeval.doctor.inventory import Inventory, look_over
from ganeval.errors import GanevalError, InputError
from ganeval.extractors.base import ExtractorRequest, find_extractor
from ganeval.features.stats import is_stats, load_stats
from ganeval.flow.settings import Settings
from ganeval.flow.sides import Side, check_generator_options, num_generated
from ganeval.flow.streams import derive_rng
from ganeval.machine.remote import refuse_offline
from ganeval.sources.base import plural
from ganeval.sources.open import open_source

CHECKS: tuple[Callable[[AnyInventory], list[Finding]], ...] = (
    refused.refused,
    refused.ignored,
    copies.exact_copies,
    numbers.fewer_than_asked,
    numbers.few_images,
)
"""What every source is checked for; a new check is a function and a line here."""

PICTURE_CHECKS: tuple[Callable[[Inventory], list[Finding]], ...] = (
    values.value_range,
    values.constant,
    values.low_contrast,
    sizes.several_sizes,
    sizes.not_square,
    sizes.small,
    sizes.repeated_pixels,
    sizes.no_detail,
    encoding.decoding,
    encoding.mixed_formats,
    encoding.misnamed_jpeg,
    encoding.mixed_colours,
    copies.near_copies,
    names.class_order,
    numbers.statistics,
)
"""What every source of pictures is checked for beside these."""

PAIR_CHECKS: tuple[Callable[[Inventory, Inventory], list[Finding]], ...] = (
    pairs.overlap,
    pairs.near_overlap,
    pairs.other_size,
    pairs.other_compression,
    pairs.other_colours,
)
"""What the first source, the reference, and each other one are checked for together."""

_NUM_GENERATED = 2_000  # images of a generator, where no reference says how many
_HEARING = "vggish"  # the network of fad, for whose features there should be clips enough


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What a look over the sources has found.

    Attributes:
        inventories: What is in each source, in the user's order.
        findings: The worst first.
    """

    inventories: tuple[Inventory | ClipInventory, ...]
    findings: tuple[Finding, ...]


def examine(things: Sequence[str], settings: Settings) -> Diagnosis:
    """Look sources over, the first of which is the reference.

    Args:
        things: Sources as the scoring commands take them, stored statistics among them.
        settings: The options of scoring; a source is checked for what they would make of it.

    Raises:
        InputError: A source cannot be opened at all; `details` lists each.
        UsageError: An unknown name or option.
        ResourceError: A data set that cannot be downloaded.
    """
    find_extractor(settings.extractor).width("pool", ExtractorRequest())
    sides = _open_all(things, settings)
    check_generator_options(things, sides, settings)
    num_workers = os.cpu_count() or 1 if settings.workers is None else max(settings.workers, 1)
    with ThreadPoolExecutor(num_workers, thread_name_prefix="look") as pool:
        inventories = tuple(_inventory(side, settings, pool) for side in sides)
    findings = []
    for one in inventories:
        findings += _of_their_kind(one, inventories[0])
        findings += [finding for check in CHECKS for finding in check(one)]
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return Diagnosis(inventories=inventories, findings=tuple(findings))


def _of_their_kind(
    one: Inventory | ClipInventory, first: Inventory | ClipInventory
) -> list[Finding]:
    """Return what pictures or clips are checked for, and beside the first source."""
    if isinstance(one, Inventory):
        found = [finding for check in PICTURE_CHECKS for finding in check(one)]
        if one is not first and isinstance(first, Inventory):
            found += [finding for check in PAIR_CHECKS for finding in check(first, one)]
        return found
    heard = [finding for check in sounds.CHECKS for finding in check(one)]
    if one is not first and isinstance(first, ClipInventory):
        heard += [finding for check in sounds.PAIR_CHECKS for finding in check(first, one)]
    return heard


def _open_all(things: Sequence[str], settings: Settings) -> list[Side]:
    """Open every source, or raise the first error with all in its details."""
    sides: list[Side] = []
    errors: list[GanevalError] = []
    num_wanted: int | None = None
    for thing in things:
        try:
            sides.append(_open(thing, settings, num_wanted))
        except GanevalError as error:
            errors.append(error)
        num_wanted = num_generated(sides[0]) if sides else None
    if len(errors) > 1:
        raise errors[0].with_details([str(error) for error in errors])
    if errors:
        raise errors[0]
    return sides


def _open(thing: str, settings: Settings, num_wanted: int | None) -> Side:
    """Open a source, stored statistics, or a file that is both, and choose what to look at."""
    refuse_offline(thing, offline=settings.offline)
    stats = load_stats(thing) if is_stats(thing) else None
    try:
        source = open_source(
            thing,
            policy=settings.decode,
            offline=settings.offline,
            generator={
                "num_images": settings.num_images or num_wanted or _NUM_GENERATED,
                "seed": settings.seed,
                **settings.generator.given(),
            },
        )
    except InputError:
        if stats is None:
            raise
        return Side(role="sample", location=thing, source=None, indices=(), stats=stats, skipped=())
    if source.info.content not in ("picture", "clip"):
        raise InputError(
            f"{source.info.location}: has {plural(source.info.content)}, and doctor looks at "
            "pictures and listens to clips",
            "sources of pictures or clips",
            "score it without",
        )
    indices = list(range(len(source)))
    if settings.num_images is not None and settings.num_images < len(source):
        rng = derive_rng(settings.seed, "num-images/doctor")
        indices = sorted(rng.choice(len(source), settings.num_images, replace=False).tolist())
    return Side(
        role="sample",
        location=source.info.location,
        source=source,
        indices=tuple(indices),
        stats=stats,
        skipped=(),
    )


def _inventory(side: Side, settings: Settings, pool: Executor) -> Inventory | ClipInventory:
    """Look at the pictures of a source, or listen to its clips."""
    is_heard = side.source is not None and side.source.info.content == "clip"
    extractor = _HEARING if is_heard and settings.extractor == "inception" else settings.extractor
    num_features = find_extractor(extractor).width("pool", ExtractorRequest())
    num_skippable = 0
    if settings.on_bad_image == "skip":
        num_skippable = int(settings.max_bad * len(side.indices))
    if side.source is None:
        assert side.stats is not None  # one of the two was opened
        return Inventory(
            location=side.location,
            kind="stats",
            count=side.stats.num,
            ignored={},
            stats=side.stats,
            extractor=settings.extractor,
            num_features=num_features,
        )
    if is_heard:
        heard, unheard = hear_over(side.source, side.indices, pool=pool, progress=settings.progress)
        return ClipInventory(
            location=side.location,
            kind=side.source.info.kind,
            count=len(side.indices),
            looks=heard,
            refusals=unheard,
            ignored=side.source.info.ignored,
            extractor=extractor,
            num_features=num_features,
            num_wanted=settings.num_images,
            num_skippable=num_skippable,
        )
    looks, refusals = look_over(side.source, side.indices, pool=pool, progress=settings.progress)
    return Inventory(
        location=side.location,
        kind=side.source.info.kind,
        count=len(side.indices),
        looks=looks,
        refusals=refusals,
        ignored=side.source.info.ignored,
        stats=side.stats,
        extractor=settings.extractor,
        num_features=num_features,
        num_wanted=settings.num_images,
        num_skippable=num_skippable,
    )
