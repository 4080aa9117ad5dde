"""Look several sources over: open, one pass over each, then every check."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

from ganeval.doctor.checks import copies, encoding, names, numbers, pairs, refused, sizes, values
from ganeval.doctor.finding import SEVERITIES, Finding
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

CHECKS: tuple[Callable[[Inventory], list[Finding]], ...] = (
    refused.refused,
    refused.ignored,
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
    copies.exact_copies,
    copies.near_copies,
    names.class_order,
    numbers.fewer_than_asked,
    numbers.few_images,
    numbers.statistics,
)
"""What every source is checked for; a new check is a function and a line here."""

PAIR_CHECKS: tuple[Callable[[Inventory, Inventory], list[Finding]], ...] = (
    pairs.overlap,
    pairs.near_overlap,
    pairs.other_size,
    pairs.other_compression,
    pairs.other_colours,
)
"""What the first source, the reference, and each other one are checked for together."""

_NUM_GENERATED = 2_000  # images of a generator, where no reference says how many


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What a look over the sources has found.

    Attributes:
        inventories: What is in each source, in the user's order.
        findings: The worst first.
    """

    inventories: tuple[Inventory, ...]
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
    num_features = find_extractor(settings.extractor).width("pool", ExtractorRequest())
    sides = _open_all(things, settings)
    check_generator_options(things, sides, settings)
    num_workers = os.cpu_count() or 1 if settings.workers is None else max(settings.workers, 1)
    with ThreadPoolExecutor(num_workers, thread_name_prefix="look") as pool:
        inventories = tuple(_inventory(side, num_features, settings, pool) for side in sides)
    findings = [finding for one in inventories for check in CHECKS for finding in check(one)]
    for sample in inventories[1:]:
        for check in PAIR_CHECKS:
            findings += check(inventories[0], sample)
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return Diagnosis(inventories=inventories, findings=tuple(findings))


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
    if source.info.content != "picture":
        raise InputError(
            f"{source.info.location}: has {plural(source.info.content)}, and doctor looks at "
            "pictures",
            "sources of pictures",
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


def _inventory(side: Side, num_features: int, settings: Settings, pool: Executor) -> Inventory:
    """Look at the pictures of a source."""
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
        num_skippable=int(settings.max_bad * len(side.indices))
        if settings.on_bad_image == "skip"
        else 0,
    )
