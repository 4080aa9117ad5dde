"""Plan a run: resolve every name, open every source, refuse what can be refused before a pixel."""

import dataclasses
import hashlib
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from ganeval.errors import InputError, UsageError, one_line
from ganeval.extractors.base import find_extractor
from ganeval.features.stats import Stats, is_stats, load_stats
from ganeval.metrics.base import METRICS, Metric, Role, options_of_minimum
from ganeval.metrics.protocols import PROTOCOLS, EvaluationProtocol
from ganeval.refusals import check_skipped, is_too_many, unusable_pictures
from ganeval.registry import parse_options, unknown
from ganeval.remote import refuse_offline
from ganeval.settings import Settings
from ganeval.sources.base import Source
from ganeval.sources.generator import NUM_IMAGES, Generator
from ganeval.sources.memory import Images
from ganeval.sources.open import open_source
from ganeval.sources.refusals import find_refusals


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricChoice:
    """A metric as it will be computed.

    Attributes:
        name: Its name in the table.
        metric: The instance.
        options: Its options that depart from the protocol's.
    """

    name: str
    metric: Metric
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A sample or the reference, opened.

    Attributes:
        location: How the report calls it.
        source: Its images; None for statistics alone.
        indices: The images to use, in order.
        stats: Stored statistics, if the file has them.
        skipped: Reasons, beginning with the item's name, for pictures left out already.
        text: What opens the source anew in another process; None for one in memory.
    """

    location: str
    source: Source | None
    indices: tuple[int, ...]
    stats: Stats | None
    skipped: tuple[str, ...]
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that is decided before the first pixel."""

    settings: Settings
    protocol: EvaluationProtocol
    choices: tuple[MetricChoice, ...]
    samples: tuple[Side, ...]
    reference: Side | None

    @property
    def layers(self) -> frozenset[str]:
        """The layers that the metrics work on."""
        return frozenset(choice.metric.needs.layer for choice in self.choices)


def make_plan(
    samples: Sequence[Any],
    reference: Any,
    metrics: Sequence[str] | None,
    settings: Settings,
) -> Plan:
    """Return the plan of a run.

    Raises:
        UsageError: An unknown name or option, or a combination that means nothing.
        InputError: A source cannot be used, or has too few images for a metric.
    """
    protocol = find_protocol(settings.protocol)
    choices = choose_metrics(metrics, protocol, has_reference=reference is not None)
    find_extractor(settings.extractor)
    if settings.weights is not None and not settings.weights.is_file():
        raise InputError(f"{settings.weights}: no such file", "a weight file", "check --weights")
    reference_side = None
    if any("reference" in choice.metric.needs.roles for choice in choices):
        reference_side = open_reference(reference, settings)
    num_wanted = num_generated(reference_side)
    sides = tuple(open_side(sample, "sample", settings, num_wanted) for sample in samples)
    check_generator_options([*samples, reference], [*sides, reference_side], settings)
    _refuse_twins(sides)
    for choice in choices:
        _check_counts(choice, sides, reference_side)
    return Plan(
        settings=settings,
        protocol=protocol,
        choices=choices,
        samples=sides,
        reference=reference_side,
    )


def find_protocol(name: str) -> EvaluationProtocol:
    """Return the protocol called `name`.

    Raises:
        UsageError: There is none.
    """
    if name not in PROTOCOLS:
        raise unknown("protocol", name, PROTOCOLS)
    return PROTOCOLS[name]


def choose_metrics(
    texts: Sequence[str] | None, protocol: EvaluationProtocol, *, has_reference: bool
) -> tuple[MetricChoice, ...]:
    """Return the metrics of `fid`, `kid:subset_size=500:num_subsets=50`, ... texts.

    One text may hold several, separated by commas. None stands for all that the protocol computes
    by default and the sources allow.

    Raises:
        UsageError: An unknown metric or option, a metric the protocol does not define, one named
            twice, or one that needs a reference when there is none.
    """
    if texts is None:
        choices = tuple(
            MetricChoice(name=name, metric=metric, options={})
            for name, metric in protocol.metrics.items()
            if has_reference or "reference" not in metric.needs.roles
        )
    else:
        texts = texts.split(",") if isinstance(texts, str) else texts
        choices = tuple(_choose(text.strip(), protocol) for text in texts)
    names = [choice.name for choice in choices]
    for choice in choices:
        if names.count(choice.name) > 1:
            raise UsageError(f"metric '{choice.name}' is named twice", "each once", "remove one")
        if "reference" in choice.metric.needs.roles and not has_reference:
            raise UsageError(
                f"metric '{choice.name}' compares with real images and there is no reference",
                "a reference",
                "name one, or ask for `is` alone",
            )
    if not choices:
        raise UsageError("no metric is named", f"one of {', '.join(METRICS.names())}", "name one")
    return choices


def choose_rank(rank: str | None, choices: Sequence[MetricChoice]) -> str:
    """Return the score by which samples are ordered.

    Args:
        rank: The name of a score, or of a metric for its first score; None for the first of all.
        choices: The metrics of the run.

    Raises:
        UsageError: None of them is called so.
    """
    names = {choice.name: choice.metric.scores[0] for choice in choices}
    names |= {score: score for choice in choices for score in choice.metric.scores}
    if rank is None:
        return choices[0].metric.scores[0]
    if rank not in names:
        raise unknown("metric to rank by", rank, names)
    return names[rank]


def _choose(text: str, protocol: EvaluationProtocol) -> MetricChoice:
    """Return the metric of one text under the protocol's conventions."""
    name, *option_texts = text.split(":")
    if name not in METRICS.names():
        raise unknown("metric", name, METRICS.names())
    defined = {**protocol.metrics, **protocol.on_request}
    if name not in defined:
        raise UsageError(
            f"protocol '{protocol.name}' does not define {name}",
            f"one of {', '.join(defined)}",
            "choose another protocol or metric",
        )
    base = defined[name]
    given = parse_options(type(base), option_texts, where=f"metric {name}")
    metric = dataclasses.replace(base, **given)  # type: ignore[type-var]
    departing = {key: value for key, value in given.items() if value != getattr(base, key)}
    return MetricChoice(name=name, metric=metric, options=departing)


def open_side(thing: Any, role: Role, settings: Settings, num_generated: int | None = None) -> Side:
    """Open a source and choose its images.

    Args:
        thing: The source.
        role: What it is for.
        settings: The options.
        num_generated: How many images a generator makes that is not told by the user.

    Raises:
        InputError: It cannot be used.
        UsageError: More images are wanted than it has.
    """
    source = open_images(thing, settings, settings.num_images or num_generated)
    location = one_line(source.info.location) if _has_name(thing) else role
    bad = source.unusable()
    strict = settings.on_bad_image == "error"
    if bad and (strict or is_too_many(len(bad), len(source), settings.max_bad)):
        with ThreadPoolExecutor(settings.workers or os.cpu_count()) as pool:
            refusals = find_refusals(source, bad, pool=pool)
        if not strict:
            firsts = [told[0] for told in refusals.values()]
            check_skipped(location, firsts, len(source), settings.max_bad)
        reasons = [reason for told in refusals.values() for reason in told]
        raise unusable_pictures(location, reasons, num=len(refusals), total=len(source))
    usable = [index for index in range(len(source)) if index not in bad]
    return Side(
        location=location,
        source=source,
        indices=_choose_images(location, usable, role, settings),
        stats=None,
        skipped=tuple(bad.values()),
        text=os.fsdecode(thing) if isinstance(thing, str | bytes | os.PathLike) else None,
    )


def open_images(thing: Any, settings: Settings, num_generated: int | None) -> Source:
    """Open a source; a generator makes `num_generated` images if its text does not tell."""
    return open_source(
        thing,
        policy=settings.decode,
        offline=settings.offline,
        generator={
            "num_images": num_generated,
            "seed": settings.seed,
            **settings.generator.given(),
        },
    )


def open_reference(thing: Any, settings: Settings) -> Side:
    """Open a reference: a source, stored statistics, or a file that is both.

    Raises:
        InputError: It cannot be used.
        UsageError: A subset of stored statistics is wanted.
    """
    refuse_offline(thing, offline=settings.offline)
    if not isinstance(thing, str | os.PathLike) or not is_stats(os.fspath(thing)):
        return open_side(thing, "reference", settings)
    stats = load_stats(os.fspath(thing))
    if settings.num_images is not None:
        raise UsageError(
            f"{stats.path}: holds statistics of all its images, and --num-images asks for some",
            "images",
            "name the image source itself, or leave --num-images out",
        )
    try:
        side = open_side(thing, "reference", settings)
    except InputError:  # statistics alone, as most such files
        location = one_line(os.fspath(thing))
        return Side(location=location, source=None, indices=(), stats=stats, skipped=())
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
        sides: Of each of these; None for one that was not opened.
        settings: The options.

    Raises:
        UsageError: The first of these options.
    """
    given = settings.generator.given()
    if given and not any(map(_is_generator_file, things, sides)):
        raise UsageError(
            f"option {next(iter(given))} is given, and no source is a generator's file",
            "a generator's file, for such an option",
            "leave it out, or correct the source",
        )


def _is_generator_file(thing: Any, side: Side | None) -> bool:
    """Tell whether a source takes options from the command, unlike a `Generator` in memory."""
    if side is None or side.source is None or isinstance(thing, Generator):
        return False
    return side.source.info.kind == "generator"


def derive_rng(seed: int, purpose: str) -> np.random.Generator:
    """Return the random stream of one purpose; adding a purpose changes no other stream."""
    words = np.frombuffer(
        hashlib.sha256(purpose.encode("utf-8", "surrogatepass")).digest(), dtype=np.uint32
    )
    return np.random.default_rng([seed, *words.tolist()])


def _choose_images(
    location: str, usable: list[int], role: Role, settings: Settings
) -> tuple[int, ...]:
    """Return all usable images, or a seeded subset of them in the source's order."""
    wanted = settings.num_images
    if wanted is None:
        return tuple(usable)
    if wanted > len(usable):
        raise UsageError(
            f"{location}: has {len(usable):,} images, --num-images asks for {wanted:,}",
            "at least as many images as are asked for",
            "lower num_images (--num-images) or add images",
        )
    rng = derive_rng(settings.seed, f"num-images/{role}")
    chosen = rng.choice(len(usable), size=wanted, replace=False)
    return tuple(usable[position] for position in sorted(chosen.tolist()))


def _has_name(thing: Any) -> bool:
    """Tell whether a source has a name of its own, unlike a bare tensor, array or data set."""
    if isinstance(thing, Images):
        return thing.name is not None
    return not isinstance(
        thing, torch.Tensor | np.ndarray | list | tuple | DataLoader | torch.utils.data.Dataset
    )


def _refuse_twins(sides: Sequence[Side]) -> None:
    """Refuse two samples of one name, whose rows nobody could tell apart."""
    names = [side.location for side in sides]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"two samples are called '{name}'",
                "a name for each",
                "remove one, or name arrays with ganeval.Images(data, name=...)",
            )


def _check_counts(choice: MetricChoice, samples: Sequence[Side], reference: Side | None) -> None:
    """Refuse a metric for which a side has too few images."""
    needs = choice.metric.needs
    sides = [*samples] if "sample" in needs.roles else []
    if "reference" in needs.roles and reference is not None:
        sides.append(reference)
    for side in sides:
        if needs.form == "rows" and side.source is None:
            raise InputError(
                f"{side.location}: holds statistics, not images",
                f"images, for {choice.name}",
                "name the image source, or ask for fid alone",
            )
        if side.source is not None:
            check_minimum(choice, side.location, len(side.indices))


def check_minimum(choice: MetricChoice, location: str, num: int) -> None:
    """Refuse fewer images than a metric is defined for.

    Raises:
        InputError: Names the minimum and what sets it.
    """
    needs = choice.metric.needs
    if num < needs.minimum:
        images = "1 image" if num == 1 else f"{num:,} images"
        options = options_of_minimum(choice.metric) if num > 1 else []
        lower = "".join(f"lower {choice.name}:{one}, " for one in options)
        raise InputError(
            f"{location}: {images}",
            f"{choice.name} needs at least {needs.minimum:,} ({needs.why})",
            f"add images, {lower}or leave {choice.name} out of the metrics (-m)",
        )
