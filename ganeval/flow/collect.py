"""Collect what a plan needs: a job for each source, which an engine carries out."""

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ganeval.engines.choose import choose_engine
from ganeval.errors import UsageError, one_line
from ganeval.features.collected import Features
from ganeval.features.derived import Summary
from ganeval.features.extraction import Extraction, Place, Wanted
from ganeval.features.jobs import Job
from ganeval.features.stats import Stats
from ganeval.flow.plan import Plan
from ganeval.flow.settings import Settings
from ganeval.flow.sides import Side
from ganeval.flow.stored_stats import check_decoded_alike, usable_stats
from ganeval.flow.views import check_content, view_of
from ganeval.flow.workspace import Workspace
from ganeval.images.seen import Seen
from ganeval.machine.folders import cache_folder, shared_cache
from ganeval.metrics.base import Each, Need, Pairs, Role, View
from ganeval.sources.unusable import check_skipped, grouped_lines

log = logging.getLogger(__name__)


def prepare_engine(settings: Settings) -> Settings:
    """Find the machines of a Ray cluster, which decide what device "auto" means.

    Raises:
        UsageError: An option has no meaning there.
        TeamError: They cannot be reached.
    """
    if settings.engine != "ray":
        return settings
    from ganeval.engines.ray_cluster import device_of_cluster

    if not settings.cache:
        raise UsageError(
            "--no-cache with --engine ray", "a cache that all machines share", "leave one out"
        )
    return dataclasses.replace(
        settings,
        device=device_of_cluster(settings.device),
        cache_dir=shared_cache(settings.cache_dir)
        or Path(settings.cache_dir or cache_folder()).absolute(),
    )


ByView = Mapping[View, Features]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What was collected for a plan.

    Attributes:
        samples: The features of each sample, by its location and the view.
        others: The features of the other sides that had to be collected, by role and view.
        stats: Stored statistics of the reference that replace its features, by the name of their
            network.
        step: The training step of a stream.
        seen: The values of a stream's items, which have no source.
    """

    samples: Mapping[str, ByView]
    others: Mapping[Role, ByView]
    stats: Mapping[str, Stats] = field(default_factory=dict)
    step: int | None = None
    seen: Seen | None = None

    def summary(self, sample: str, need: Need, place: Place) -> Summary:
        """Return what a metric looks at: stored statistics if they are enough, else features."""
        if is_served(need, place, self.stats):
            return self.stats[place[0]]
        return self.features(sample, need).of(place, labels=need.labels)

    def features(self, sample: str, need: Need) -> Features:
        """Return what was collected of the source that a metric looks at."""
        by_view = self.samples[sample] if need.role == "sample" else self.others[need.role]
        return by_view[need.view]


def collect(plan: Plan, workspace: Workspace) -> Collected:
    """Collect every source once, for all that the metrics look at.

    If a side is looked at only in pairs, its items are read too, since the report says which they
    were, but they go through no network.

    Raises:
        InputError: An item cannot be used, or too many were skipped.
        MismatchError: Stored statistics were made under other conditions.
        TeamError: Processes that share the work differ, or one is gone.
    """
    stats = statistics_of(plan, workspace)
    for one in stats.values():
        check_decoded_alike(plan.samples, one)
    jobs: list[tuple[Side, View, Job]] = []
    for side in (*plan.others.values(), *plan.samples):
        wanted = wanted_of(plan, side.role, workspace, stats)
        partners = {view.to for view in wanted_views(plan) if isinstance(view, Pairs)}
        if side.source is None or not (wanted or side.role in partners):
            continue
        for view in dict.fromkeys([Each(), *wanted]):
            jobs.append((side, view, job_of(plan, side, view, wanted.get(view, ()))))
    features = collect_jobs(
        [job for _, _, job in jobs], [side for side, _, _ in jobs], workspace, plan.settings
    )
    samples: dict[str, dict[View, Features]] = {}
    others: dict[Role, dict[View, Features]] = {}
    for (side, view, _), found in zip(jobs, features, strict=True):
        if side.role == "sample":
            samples.setdefault(side.location, {})[view] = found
        else:
            others.setdefault(side.role, {})[view] = found
    return Collected(samples=samples, others=others, stats=stats)


def wanted_views(plan: Plan) -> list[View]:
    """Return all views that the metrics use."""
    needs = [need for choice in plan.choices for need in choice.metric.needs]
    return list(dict.fromkeys(need.view for need in needs))


def wanted_of(
    plan: Plan, role: Role, workspace: Workspace, stats: Mapping[str, Stats]
) -> dict[View, list[tuple[Extraction, list[str]]]]:
    """Return the networks and layers that the metrics need for a role, by view.

    Layers that stored statistics replace are left out.
    """
    return {
        view: [(workspace.networks[name], layers) for name, layers in of_view.items()]
        for view, of_view in layers_of(plan, role, stats).items()
    }


def layers_of(
    plan: Plan, role: Role, stats: Mapping[str, Stats]
) -> dict[View, dict[str, list[str]]]:
    """Return the layers that `wanted_of` names, by the view and the name of their network."""
    wanted: dict[View, dict[str, list[str]]] = {}
    for choice, need in plan.needs_of(role):
        place = choice.place(need, plan.settings.extractor)
        if is_served(need, place, stats):
            continue
        layers = wanted.setdefault(need.view, {}).setdefault(place[0], [])
        if place[1] not in layers:
            layers.append(place[1])
    shown = gallery_place(plan)
    if shown is not None and wanted and role in ("sample", "reference"):
        layers = wanted.setdefault(Each(), {}).setdefault(shown[0], [])
        if shown[1] not in layers:
            layers.append(shown[1])
    return wanted


def gallery_place(plan: Plan) -> Place | None:
    """Return the network and layer that tell a report which pictures are near one another.

    None if there is no such report, or no metric looks at each item by itself.
    """
    if not plan.settings.gallery:
        return None
    for choice in plan.choices:
        for need in choice.metric.needs:
            if need.view == Each():
                return choice.place(need, plan.settings.extractor)[0], "pool"
    return None


def job_of(plan: Plan, side: Side, view: View, wanted: Wanted) -> Job:
    """Return what is to be collected of a side under a view."""
    viewed = plan.viewed.get((side.location, side.role, view))
    if viewed is None:  # no metric looks at this side in this view
        viewed = view_of(side, view, plan.others, plan.settings)
    labels = None
    if any(need.labels and need.view == view for _, need in plan.needs_of(side.role)):
        known = viewed.source.labels()
        labels = None if known is None else tuple(known[index] for index in viewed.indices)
    return Job(
        location=side.location if view == Each() else one_line(viewed.source.info.location),
        source=viewed.source,
        indices=viewed.indices,
        wanted=wanted,
        opens=viewed.opens,
        labels=labels,
        clusters=viewed.clusters,
    )


def collect_jobs(
    jobs: Sequence[Job], sides: Sequence[Side], workspace: Workspace, settings: Settings
) -> list[Features]:
    """Return the features of each job, and warn of the items that were skipped.

    Raises:
        InputError: An item cannot be used, or too many were skipped.
        TeamError: Processes that share the work differ, or one is gone.
        UsageError: A network takes another kind of content; nothing has been decoded then.
    """
    for job in jobs:
        check_networks(job)
    engine = choose_engine(settings.engine, settings.team, settings.workers)
    collected = engine(
        jobs,
        workspace.store,
        workspace.pool,
        skip_bad=settings.on_bad_image == "skip",
        progress=settings.progress,
    )
    return [
        _checked(side, job, features, settings)
        for side, job, features in zip(sides, jobs, collected, strict=True)
    ]


def check_networks(job: Job) -> None:
    """Refuse a job whose items are not what its networks take.

    Raises:
        UsageError: Names source and network.
    """
    for network, _ in job.wanted:
        takes = network.preparation.takes
        check_content(job.location, job.source.info.content, network.info.name, takes)


def _checked(side: Side, job: Job, features: Features, settings: Settings) -> Features:
    """Log what was collected of a side, and refuse it if too many items were skipped."""
    skipped = [*side.skipped, *features.skipped]
    content = job.source.info.content
    count = len(side.indices) + len(side.skipped)
    check_skipped(side.location, skipped, count, settings.max_bad, content)
    for line in grouped_lines(skipped, content):
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
    """Tell whether stored statistics replace the features that a metric looks at."""
    name, layer = place
    moments = need.role == "reference" and need.form == "moments" and not need.labels
    return moments and layer == "pool" and name in stats
