"""Collect what a plan needs: a job for each source, which an engine carries out."""

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ganeval.engines.choose import choose_engine
from ganeval.errors import UsageError
from ganeval.features.collected import Features
from ganeval.features.compute import Extraction, Place
from ganeval.features.derived import Summary
from ganeval.features.jobs import Job
from ganeval.features.stats import Stats
from ganeval.flow.plan import Plan
from ganeval.flow.sides import Side
from ganeval.flow.stored_stats import check_decoded_alike, usable_stats
from ganeval.flow.workspace import Workspace
from ganeval.folders import cache_folder, shared_cache
from ganeval.images.seen import Seen
from ganeval.metrics.base import Need, Role
from ganeval.refusals import check_skipped, grouped_lines
from ganeval.settings import Settings

log = logging.getLogger(__name__)


def prepare_engine(settings: Settings) -> Settings:
    """Look for the machines that a run is for, which say what device "auto" means.

    Raises:
        UsageError: An option that means nothing there.
        TeamError: They cannot be reached.
    """
    if settings.engine != "ray":
        return settings
    from ganeval.engines.ray_cluster import device_of_cluster

    if not settings.cache:
        raise UsageError(
            "--no-cache with --engine ray", "a cache that all machines share", "drop one"
        )
    return dataclasses.replace(
        settings,
        device=device_of_cluster(settings.device),
        cache_dir=shared_cache(settings.cache_dir)
        or Path(settings.cache_dir or cache_folder()).absolute(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What was collected for a plan.

    Attributes:
        samples: The features of each sample, by its location.
        others: Those of the other sides that had to be collected, by role.
        stats: Stored statistics of the reference that serve in place of its features, by the name
            of the network that they are of.
        step: Step of the training that a stream shows.
        seen: The values of a stream, whose items have no source.
    """

    samples: Mapping[str, Features]
    others: Mapping[Role, Features]
    stats: Mapping[str, Stats] = field(default_factory=dict)
    step: int | None = None
    seen: Seen | None = None

    def summary(self, sample: str, need: Need, place: Place) -> Summary:
        """Return what a metric looks at: stored statistics where they are enough, else features."""
        if is_served(need, place, self.stats):
            return self.stats[place[0]]
        features = self.samples[sample] if need.role == "sample" else self.others[need.role]
        return features.of(place, labels=need.labels)


def collect(plan: Plan, workspace: Workspace) -> Collected:
    """Collect every source once, for all that the metrics look at.

    Raises:
        InputError: An item cannot be used, or too many were skipped.
        MismatchError: Stored statistics were made otherwise.
        TeamError: Processes that share the work differ, or one is gone.
    """
    stats = statistics_of(plan, workspace)
    for one in stats.values():
        check_decoded_alike(plan.samples, one)
    others = [side for side in plan.others.values() if wanted_of(plan, side.role, workspace, stats)]
    sides = [*others, *plan.samples]
    jobs = [job_of(plan, side, workspace, stats) for side in sides]
    features = collect_jobs(jobs, sides, workspace, plan.settings)
    of_others, of_samples = features[: len(others)], features[len(others) :]
    return Collected(
        others={side.role: found for side, found in zip(others, of_others, strict=True)},
        samples={
            side.location: found for side, found in zip(plan.samples, of_samples, strict=True)
        },
        stats=stats,
    )


def wanted_of(
    plan: Plan, role: Role, workspace: Workspace, stats: Mapping[str, Stats]
) -> list[tuple[Extraction, list[str]]]:
    """Return the networks and layers that the metrics look at of a role, but for statistics."""
    wanted: dict[str, list[str]] = {}
    for choice, need in plan.needs_of(role):
        place = choice.place(need, plan.settings.extractor)
        if is_served(need, place, stats):
            continue
        layers = wanted.setdefault(place[0], [])
        if place[1] not in layers:
            layers.append(place[1])
    if plan.settings.gallery and wanted and role in ("sample", "reference"):
        name, layer = gallery_place(plan)
        if layer not in wanted.setdefault(name, []):
            wanted[name].append(layer)
    return [(workspace.networks[name], layers) for name, layers in wanted.items()]


def gallery_place(plan: Plan) -> Place:
    """Return the features by which a report shows which pictures are near one another."""
    choice = plan.choices[0]
    return choice.place(choice.metric.needs[0], plan.settings.extractor)[0], "pool"


def job_of(plan: Plan, side: Side, workspace: Workspace, stats: Mapping[str, Stats]) -> Job:
    """Return what is to be collected of a side."""
    assert side.source is not None
    labels = None
    if any(need.labels for _, need in plan.needs_of(side.role)):
        known = side.source.labels()
        labels = None if known is None else tuple(known[index] for index in side.indices)
    return Job(
        location=side.location,
        source=side.source,
        indices=side.indices,
        wanted=wanted_of(plan, side.role, workspace, stats),
        opens=side.opens,
        labels=labels,
    )


def collect_jobs(
    jobs: Sequence[Job], sides: Sequence[Side], workspace: Workspace, settings: Settings
) -> list[Features]:
    """Return the features of each job, and warn of the items that were skipped.

    Raises:
        InputError: An item cannot be used, or too many were skipped.
        TeamError: Processes that share the work differ, or one is gone.
    """
    engine = choose_engine(settings.engine, settings.team, settings.workers)
    collected = engine(
        jobs,
        workspace.store,
        workspace.pool,
        skip_bad=settings.on_bad_image == "skip",
        progress=settings.progress,
    )
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
        "%s: %d %s, %d computed, %d found in the cache",
        side.location,
        features.num,
        features.noun,
        features.num_computed,
        features.num - features.num_computed,
    )
    return features


def statistics_of(plan: Plan, workspace: Workspace) -> dict[str, Stats]:
    """Return the reference's stored statistics by the networks that they can serve.

    Raises:
        MismatchError, InputError: They cannot, and there are no items to use instead.
    """
    found: dict[str, Stats] = {}
    for choice, need in plan.needs_of("reference"):
        name, layer = choice.place(need, plan.settings.extractor)
        if need.form == "moments" and layer == "pool" and name not in found:
            stats = usable_stats(plan.others["reference"], workspace.networks[name])
            if stats is not None:
                found[name] = stats
    return found


def is_served(need: Need, place: Place, stats: Mapping[str, Stats]) -> bool:
    """Tell whether stored statistics stand in the place of what a metric looks at."""
    name, layer = place
    moments = need.role == "reference" and need.form == "moments" and not need.labels
    return moments and layer == "pool" and name in stats
