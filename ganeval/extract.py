"""Features without scores: stored statistics, and parts of a source for many machines."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ganeval.engines.choose import choose_engine
from ganeval.errors import InputError, UsageError
from ganeval.features.collected import Features, LayerFeatures
from ganeval.features.extraction import Extraction
from ganeval.features.jobs import Job, cut
from ganeval.features.parts import FEWEST_ROWS, moments_of
from ganeval.features.stats import is_stats, load_stats, save_stats
from ganeval.flow.choose import choose_metrics, find_protocol
from ganeval.flow.collect import check_networks, collect_jobs, layers_of, prepare_engine
from ganeval.flow.plan import Plan
from ganeval.flow.settings import Settings
from ganeval.flow.sides import Side, check_generator_options, open_side
from ganeval.flow.source_cards import describe, source_warnings
from ganeval.flow.stored_stats import stats_conditions
from ganeval.flow.streams import derive_rng
from ganeval.flow.workspace import Workspace, open_workspace, opened_index
from ganeval.machine.devices import tensors_on_the_cpu
from ganeval.metrics.base import ROLES, Each, Role
from ganeval.metrics.parts.extrapolation import quarters
from ganeval.metrics.protocols import EvaluationProtocol
from ganeval.version import __version__

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """What `extract_part` did.

    Attributes:
        num_items: Items of the part.
        noun: Plural noun of the items, such as "images".
        num_computed: How many of them went through the network; the others were in the cache.
        num_shards: Shards of the part.
        total_shards: Shards of the whole source.
    """

    num_items: int
    noun: str
    num_computed: int
    num_shards: int
    total_shards: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFeatures:
    """The features of one source in one network.

    Attributes:
        side: The source.
        network: The network.
        features: The features collected from it.
    """

    side: Side
    network: Extraction
    features: Features

    def of(self, layer: str) -> LayerFeatures:
        """Return the features in a layer: their rows, moments and number."""
        return self.features.of((self.network.name, layer))


@contextmanager
def features_of(
    source: Any, layers: Sequence[str], settings: Settings, *, role: Role = "sample"
) -> Iterator[SourceFeatures]:
    """Open the features of a source in layers of the run's network, computing what is missing.

    Rows that are mapped from disk exist until the end of the context.

    Args:
        source: As for `evaluate`.
        layers: Layers of the network that the settings name.
        settings: As for scoring.
        role: Role whose random subset is taken, if the settings ask for one.

    Raises:
        InputError: The source cannot be used.
        MachineError: Weights, a device or disk space are missing.
    """
    settings = prepare_engine(settings)
    protocol = find_protocol(settings.protocol)
    with ExitStack() as resources:
        with tensors_on_the_cpu():
            index = resources.enter_context(opened_index(settings))
            side = open_side(source, role, settings, index=index)
            check_generator_options([source], [side], settings)
            of_network = {settings.extractor: layers}
            workspace = resources.enter_context(open_workspace(settings, protocol, of_network))
            job = _job_of(side, workspace, of_network)
            (features,) = collect_jobs([job], [side], workspace, settings)
        network = workspace.networks[settings.extractor]
        yield SourceFeatures(side=side, network=network, features=features)


@tensors_on_the_cpu()
def make_stats(reference: Any, path: Path, settings: Settings) -> Features:
    """Write the statistics of a source to an `.npz` and return what they were made of.

    Raises:
        UsageError: The suffix is not .npz, the folder does not exist or cannot be written to, or a
            file of that name exists that ganeval did not write.
        InputError: The source cannot be used, or has only one item.
    """
    if path.suffix.lower() != ".npz" or not path.parent.is_dir() or path.is_dir():
        raise UsageError(
            f"{path}: not a place for statistics", "a file.npz in an existing folder", "change -o"
        )
    if path.exists() and not (is_stats(path) and load_stats(path).card is not None):
        raise UsageError(
            f"{path}: exists already, and was not made by `ganeval stats make`",
            "a free name",
            "move it away, or choose another name with -o",
        )
    with features_of(reference, ["pool"], settings, role="reference") as found:
        side, features = found.side, found.features
        if features.num < 2:
            raise InputError(
                f"{side.location}: {features.num} {features.noun[:-1]}",
                "at least 2 for a covariance",
                f"name a source with more {features.noun}",
            )
        for warning in source_warnings([describe(side, features, None)], None, whole_clips=True):
            log.warning("%s", warning)
        card = {
            **stats_conditions(found.network),
            "protocol": find_protocol(settings.protocol).name,
            "source": side.location,
            "item": "picture" if side.source is None else side.source.info.content,
            "noun": features.noun,
            "settings": {} if side.source is None else dict(side.source.info.settings),
            "digest": f"sha256:{features.digest}",
            "content": f"sha256:{features.content}",
            "seed": settings.seed,
            "ganeval": __version__,
        }
        pool = found.of("pool")
        parts = None
        if pool.num >= FEWEST_ROWS:
            dealt = quarters(pool.num, derive_rng(settings.seed, "stats/parts"))
            parts = (moments_of(pool.blocks(), rows) for rows in dealt)
        try:
            save_stats(path, pool.moments(), card, parts)
        except OSError as error:
            raise UsageError(
                f"{path}: cannot be written ({error.strerror})",
                "a folder with write access",
                "choose another with -o",
            ) from error
        return features


@tensors_on_the_cpu()
def extract_part(
    source: Any,
    part: int,
    num_parts: int,
    settings: Settings,
    *,
    role: Role = "sample",
    metrics: Sequence[str] | None = None,
) -> Extracted:
    """Put the features of part `part` (from 0) of `num_parts` of a source into the cache.

    A part is every `num_parts`-th shard. The parts may run at any time on any machines that share
    the cache; the scoring commands then find all shards there.

    Args:
        source: As for `evaluate`.
        part: Number of the part, from 0.
        num_parts: Number of parts.
        settings: As for scoring.
        role: Role of the source in scoring. Metrics look at different features of each role, and
            sample and reference have random subsets of their own.
        metrics: Metrics to be computed later, as for `evaluate`; None for the layers "pool" and
            "logits" of the run's network.

    Raises:
        CacheError: The cache cannot be used.
        UsageError: There is no such part, no cache for the shards, or no metric that looks at each
            item of the role.
        InputError: The source cannot be used.
    """
    if not 0 <= part < num_parts:
        raise UsageError(
            f"--part {part}/{num_parts}", f"a part from 0 to {num_parts - 1}", "change it"
        )
    if not settings.cache:
        raise UsageError("extract with --no-cache", "a cache to put features into", "drop one")
    settings = prepare_engine(settings)
    protocol = find_protocol(settings.protocol)
    layers: Mapping[str, Sequence[str]] = {settings.extractor: ["pool", "logits"]}
    if metrics is not None:
        layers = _looked_at(metrics, role, protocol, settings)
    with ExitStack() as resources:
        index = resources.enter_context(opened_index(settings))
        side = open_side(source, role, settings, index=index)
        check_generator_options([source], [side], settings)
        workspace = resources.enter_context(
            open_workspace(settings, protocol, layers, must_keep=True)
        )
        job = _job_of(side, workspace, layers)
        check_networks(job)
        tasks = cut(job)
        mine = tasks[part::num_parts]
        job = replace(job, indices=tuple(index for task in mine for index in task.indices))
        engine = choose_engine(settings.engine, settings.team, settings.workers)
        (features,) = engine(
            [job],
            workspace.store,
            workspace.pool,
            skip_bad=settings.on_bad_image == "skip",
            progress=settings.progress,
        )
    return Extracted(
        num_items=features.num,
        noun=features.noun,
        num_computed=features.num_computed,
        num_shards=len(mine),
        total_shards=len(tasks),
    )


def _looked_at(
    metrics: Sequence[str], role: Role, protocol: EvaluationProtocol, settings: Settings
) -> dict[str, list[str]]:
    """Return the layers in which metrics look at each item of a role, by their network.

    Raises:
        UsageError: There is none, or the metrics cannot be chosen.
    """
    choices = choose_metrics(
        metrics,
        protocol,
        roles=ROLES,
        networks=settings.networks,
        run_network=settings.extractor,
    )
    plan = Plan(settings=settings, protocol=protocol, choices=choices, samples=(), others={})
    wanted = layers_of(plan, role, {})
    needs = [(choice.title, need) for choice in choices for need in choice.metric.needs]
    in_pairs = ", ".join(
        dict.fromkeys(
            title
            for title, need in needs
            if need.view != Each() and role in (need.role, getattr(need.view, "to", None))
        )
    )
    if Each() not in wanted and in_pairs:
        raise UsageError(
            f"-m {in_pairs}: needs pairs or paths, which only the scoring command computes",
            "a metric of single items",
            "run the scoring command, or name another metric",
        )
    if not wanted:
        raise UsageError(
            f"--role {role}: none of {','.join(metrics)} uses such a source",
            "a metric that uses it",
            "change --role or -m",
        )
    if in_pairs:
        log.warning("%s: needs pairs or paths, which only the scoring command computes", in_pairs)
    return wanted[Each()]


def _job_of(side: Side, workspace: Workspace, layers: Mapping[str, Sequence[str]]) -> Job:
    """Return what to collect from a side, in layers of each network."""
    assert side.source is not None
    return Job(
        location=side.location,
        source=side.source,
        indices=side.indices,
        wanted=[(workspace.networks[name], of_it) for name, of_it in layers.items()],
        opens=side.opens,
    )
