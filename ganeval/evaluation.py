"""The evaluation flow: plan, collect, compute, report; the module that knows every layer."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from ganeval.engines.choose import choose_engine, prepare_engine
from ganeval.features.collect import Features
from ganeval.features.stats import Stats
from ganeval.gallery import gather_galleries
from ganeval.images.seen import Seen
from ganeval.influence import Influence
from ganeval.metrics.base import Role, Summary
from ganeval.plan import (
    MetricChoice,
    Plan,
    Side,
    check_minimum,
    choose_metrics,
    choose_rank,
    derive_rng,
    find_protocol,
    make_plan,
)
from ganeval.progress import SCORES_OF
from ganeval.refusals import check_skipped, grouped_lines
from ganeval.results.comparisons import compared
from ganeval.results.gallery import Gallery
from ganeval.results.provenance import library_versions
from ganeval.results.report import Report
from ganeval.results.row import ScoreRow
from ganeval.settings import Settings, build_settings
from ganeval.source_cards import describe, describe_stream, source_warnings
from ganeval.stored_stats import check_decoded_alike, usable_stats
from ganeval.version import __version__
from ganeval.workspace import Workspace, open_workspace

log = logging.getLogger(__name__)


def evaluate(
    *,
    sample: Any,
    reference: Any = None,
    metrics: Sequence[str] | None = None,
    settings: Settings | None = None,
    **options: Any,
) -> Report:
    """Score one sample of generated images.

    >>> report = evaluate(sample="fake/", reference="real/", metrics=["fid"])  # doctest: +SKIP
    >>> report["fid"].value  # doctest: +SKIP

    Args:
        sample: Generated images: a path or source text (`"folder:fake/,size=64"`), a uint8 tensor
            or array [N, 3, H, W] or [N, H, W, 3], an `Images`, a map-style data set, a generator's
            file, or a network as `Generator`.
        reference: Real images, likewise, or stored statistics; not needed for `is` alone.
        metrics: Names with options after colons (`"kid:subset_size=500"`), one text or several;
            None for all that the protocol defines.
        settings: All options in one value, instead of `options`.
        **options: Fields of `Settings`, of `DecodePolicy` and of `GeneratorOptions`:
            `extractor="efficientnet-lite0"`, `protocol`, `num_images`, `device`, `seed`,
            `transparency`, `entry`, `latent_size`, ...

    Raises:
        UsageError: A name or option that does not exist, before any image is read.
        InputError: A source that cannot be used, or too few images.
        MachineError: Missing weights, device, disk space.
    """
    settings = settings or build_settings(options)
    return run([sample], reference, metrics, settings)


def compare(
    *,
    samples: Sequence[Any],
    reference: Any,
    metrics: Sequence[str] | None = None,
    rank: str | None = None,
    paired: bool | None = None,
    settings: Settings | None = None,
    **options: Any,
) -> Report:
    """Score several samples against one reference, and compare all pairs of them.

    >>> compare(samples=["a/", "b/"], reference="real/").comparisons  # doctest: +SKIP

    Args:
        samples: As for `evaluate`, several.
        reference: As for `evaluate`.
        metrics: As for `evaluate`.
        rank: The metric or score that orders the samples; None for the first.
        paired: Whether image i of all samples comes from the same seed; None finds out for
            generators.
        settings: As for `evaluate`.
        **options: As for `evaluate`.

    Raises:
        UsageError, InputError, MachineError: As `evaluate` does.
    """
    settings = settings or build_settings(options)
    return run_comparison(list(samples), reference, metrics, settings, rank=rank, paired=paired)


def run_comparison(
    samples: Sequence[Any],
    reference: Any,
    metrics: Sequence[str] | None,
    settings: Settings,
    *,
    rank: str | None,
    paired: bool | None,
) -> Report:
    """Score all samples, then compare every pair."""
    choices = choose_metrics(metrics, find_protocol(settings.protocol), has_reference=True)
    score = choose_rank(rank, choices)
    return compared(run(samples, reference, metrics, settings), rank=score, paired=paired)


def run(
    samples: Sequence[Any],
    reference: Any,
    metrics: Sequence[str] | None,
    settings: Settings,
) -> Report:
    """Plan, collect every source once, compute every metric, report."""
    settings = prepare_engine(settings)
    plan = make_plan(samples, reference, metrics, settings)
    with open_workspace(settings, plan.protocol, plan.layers) as workspace:
        stats = usable_stats(plan.reference, workspace)
        check_decoded_alike(plan.samples, stats)
        real = reference_to_collect(plan, stats)
        sides = [*([] if real is None else [real]), *plan.samples]
        features = collect_sides(sides, workspace, settings)
        reference = None if real is None else features.pop(0)
        by_sample = {
            side.location: found for side, found in zip(plan.samples, features, strict=True)
        }
        return report_of(plan, workspace, by_sample, reference, stats)


def report_of(
    plan: Plan,
    workspace: Workspace,
    samples: Mapping[str, Features],
    reference: Features | None,
    stats: Stats | None,
    *,
    step: int | None = None,
    seen: Seen | None = None,
) -> Report:
    """Compute every metric from the collected features, by sample, and report.

    Args:
        plan: The plan.
        workspace: What it was carried out with.
        samples: The features of each sample, by its location.
        reference: Those of the reference, if it was collected.
        stats: Stored statistics in place of it.
        step: Step of the training that a stream shows.
        seen: The values of a stream, whose images have no source.

    Raises:
        InputError: Too few images for a metric.
    """
    rows: list[tuple[ScoreRow, Influence | None]] = []
    for location, features in samples.items():
        label = f"{SCORES_OF}{location}"
        for done, choice in enumerate(plan.choices):
            plan.settings.progress(label, done, len(plan.choices))
            summaries = _summaries(choice, location, features, reference, stats)
            rows += compute(choice, summaries, plan, location)
        plan.settings.progress(label, len(plan.choices), len(plan.choices))
        features.forget()
    influences = {row.key: influence for row, influence in rows if influence is not None}
    scores = tuple(row for row, _ in rows)
    provenance = _provenance(plan, workspace, samples, reference, stats, step, seen)
    galleries: tuple[Gallery, ...] = ()
    if plan.settings.gallery:
        galleries = gather_galleries(plan, samples, reference or stats, scores, influences)
    return Report(scores, provenance, influences, galleries=galleries)


def compute(
    choice: MetricChoice, summaries: Mapping[Role, Summary], plan: Plan, sample: str
) -> list[tuple[ScoreRow, Influence | None]]:
    """Return a metric's scores as report rows, each with the influence of the images."""
    reference = plan.reference if "reference" in choice.metric.needs.roles else None
    # Metrics of one family (fid, fid-debiased) deal the images to the same parts.
    rng = derive_rng(plan.settings.seed, f"metric/{choice.name.partition('-')[0]}")
    return [
        (
            ScoreRow(
                sample=sample,
                reference=None if reference is None else reference.location,
                name=score.name,
                value=score.value,
                se=score.se,
                interval=score.interval,
                direction=score.direction,
                num_sample=summaries["sample"].num or 0,
                num_reference=None if reference is None else summaries["reference"].num,
                extractor=plan.settings.extractor,
                protocol=plan.protocol.name,
                options=choice.options,
                details=score.details,
                notes=score.notes,
                cautions=score.cautions,
            ),
            score.influence,
        )
        for score in choice.metric.compute(summaries, rng)
    ]


def collect_sides(
    sides: Sequence[Side], workspace: Workspace, settings: Settings
) -> list[Features]:
    """Return the features of each side, and warn of the pictures that were skipped.

    Raises:
        InputError: A picture cannot be used, or too many were skipped.
        TeamError: Processes that share the work differ, or one is gone.
    """
    collected = choose_engine(settings)(sides, workspace, settings)
    return [
        _checked(side, features, settings) for side, features in zip(sides, collected, strict=True)
    ]


def _checked(side: Side, features: Features, settings: Settings) -> Features:
    """Say what was collected of a side, and refuse it if too much was skipped."""
    skipped = [*side.skipped, *features.skipped]
    check_skipped(side.location, skipped, len(side.indices) + len(side.skipped), settings.max_bad)
    for line in grouped_lines(skipped):
        log.warning("skipped: %s", line)
    log.info(
        "%s: %d images, %d computed, %d found in the cache",
        side.location,
        features.num,
        features.num_computed,
        features.num - features.num_computed,
    )
    return features


def reference_to_collect(plan: Plan, stats: Stats | None) -> Side | None:
    """Return the reference, or None if stored statistics or no reference will do."""
    forms = [
        choice.metric.needs.form
        for choice in plan.choices
        if "reference" in choice.metric.needs.roles
    ]
    if stats is not None and "rows" not in forms:
        return None
    return plan.reference


def _summaries(
    choice: MetricChoice,
    location: str,
    sample: Features,
    reference: Features | None,
    stats: Stats | None,
) -> dict[Role, Summary]:
    """Return what a metric looks at: stored statistics where they are enough, else features."""
    check_minimum(choice, location, sample.num)
    summaries: dict[Role, Summary] = {"sample": sample}
    if "reference" in choice.metric.needs.roles:
        if stats is not None and choice.metric.needs.form == "moments":
            summaries["reference"] = stats
        else:
            assert reference is not None
            check_minimum(choice, "the reference", reference.num)
            summaries["reference"] = reference
    return summaries


def _provenance(
    plan: Plan,
    workspace: Workspace,
    samples: Mapping[str, Features],
    reference: Features | None,
    stats: Stats | None,
    step: int | None,
    seen: Seen | None,
) -> dict[str, Any]:
    """Return where the scores come from, and tell the log what a reader should know."""
    settings, recipe = plan.settings, workspace.recipe
    info = recipe.extractor.info
    sources = [describe(side, samples.get(side.location), None) for side in plan.samples]
    streams = set(samples) - {side.location for side in plan.samples}
    sources += [describe_stream(name, samples[name], step, seen) for name in streams]
    if plan.reference is not None:
        real = describe(plan.reference, reference, stats)
        warnings = source_warnings(sources, real)
        sources.append(real)
    else:
        warnings = source_warnings(sources, None)
    for warning in warnings:
        log.warning("%s", warning)
    # No date: the same command on the same images writes the same bytes.
    return {
        "ganeval": __version__,
        "command": settings.command,
        "seed": settings.seed,
        "device": recipe.device_type,
        "precision": recipe.precision,
        "weights": {info.name: f"sha256:{info.weights_sha256}"},
        "extractor_version": info.version,
        "preprocess": recipe.preprocess.to_json(),
        "dimensions": info.layers["pool"],
        "protocol_version": plan.protocol.version,
        "micro_batch": recipe.micro_batch,
        "num_images": settings.num_images,
        "sources": {source.location: source.card() for source in sources},
        "warnings": list(warnings),
        "libraries": library_versions(),
    }
