"""Features without scores: stored statistics, and parts of a source for many machines."""

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ganeval.devices import tensors_on_the_cpu
from ganeval.engines.choose import choose_engine
from ganeval.errors import InputError, UsageError
from ganeval.features.jobs import Job, cut
from ganeval.features.stats import is_stats, load_stats, save_stats
from ganeval.flow.choose import find_protocol
from ganeval.flow.collect import collect_jobs, prepare_engine
from ganeval.flow.sides import Side, check_generator_options, open_side
from ganeval.flow.source_cards import describe, source_warnings
from ganeval.flow.stored_stats import stats_conditions
from ganeval.flow.workspace import Workspace, open_workspace, opened_index
from ganeval.metrics.base import Role
from ganeval.settings import Settings
from ganeval.version import __version__

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """What `extract_part` did.

    Attributes:
        num_images: Images of the part.
        num_computed: Of these, how many went through the network; the others were in the cache.
        num_shards: Shards of the part.
        total_shards: Shards of the whole source.
    """

    num_images: int
    num_computed: int
    num_shards: int
    total_shards: int


@tensors_on_the_cpu()
def make_stats(reference: Any, path: Path, settings: Settings) -> int:
    """Write the statistics of a source to an `.npz` and return its number of images.

    Raises:
        UsageError: Another suffix, a folder that does not exist or cannot be written to, or a file
            of that name which holds no statistics of ours.
        InputError: The source cannot be used, or has one image.
    """
    if path.suffix.lower() != ".npz" or not path.parent.is_dir() or path.is_dir():
        raise UsageError(
            f"{path}: not a place for statistics", "a file.npz in an existing folder", "change -o"
        )
    if path.exists() and not (is_stats(path) and load_stats(path).card is not None):
        raise UsageError(
            f"{path}: is there already, and no file of `ganeval stats make`",
            "a free name",
            "move it away, or choose another name with -o",
        )
    settings = prepare_engine(settings)
    protocol = find_protocol(settings.protocol)
    with ExitStack() as resources:
        index = resources.enter_context(opened_index(settings))
        side = open_side(reference, "reference", settings, index=index)
        check_generator_options([reference], [side], settings)
        layers = {settings.extractor: ["pool"]}
        workspace = resources.enter_context(open_workspace(settings, protocol, layers))
        jobs = [_job_of(side, workspace, ["pool"])]
        (features,) = collect_jobs(jobs, [side], workspace, settings)
        if features.num < 2:
            raise InputError(
                f"{side.location}: {features.num} image",
                "at least 2, of which a covariance can be taken",
                "name a source with more images",
            )
        for warning in source_warnings([describe(side, features, None)], None):
            log.warning("%s", warning)
        card = {
            **stats_conditions(workspace.networks[settings.extractor]),
            "protocol": protocol.name,
            "source": side.location,
            "settings": {} if side.source is None else dict(side.source.info.settings),
            "digest": f"sha256:{features.digest}",
            "ganeval": __version__,
        }
        try:
            save_stats(path, features.of((settings.extractor, "pool")).moments(), card)
        except OSError as error:
            raise UsageError(
                f"{path}: cannot be written ({error.strerror})",
                "a folder with write access",
                "choose another with -o",
            ) from error
    return features.num


@tensors_on_the_cpu()
def extract_part(
    source: Any, part: int, num_parts: int, settings: Settings, *, role: Role = "sample"
) -> Extracted:
    """Put the features of part `part` (from 0) of `num_parts` of a source into the cache.

    A part is every `num_parts`-th shard. The parts may run at any time on any machines that share
    the cache; the scoring commands then find all shards there.

    Args:
        source: As for `evaluate`.
        part: Which part.
        num_parts: How many there are.
        settings: As for scoring.
        role: What it will be in scoring, where each role has a random subset of its own.

    Raises:
        CacheError: The cache cannot be used.
        UsageError: There is no such part, or no cache to put the shards into.
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
    layers = {settings.extractor: ["pool", "logits"]}
    with ExitStack() as resources:
        index = resources.enter_context(opened_index(settings))
        side = open_side(source, role, settings, index=index)
        check_generator_options([source], [side], settings)
        workspace = resources.enter_context(
            open_workspace(settings, protocol, layers, must_keep=True)
        )
        job = _job_of(side, workspace, layers[settings.extractor])
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
        num_images=features.num,
        num_computed=features.num_computed,
        num_shards=len(mine),
        total_shards=len(tasks),
    )


def _job_of(side: Side, workspace: Workspace, layers: Sequence[str]) -> Job:
    """Return what is to be collected of a side."""
    assert side.source is not None
    (network,) = workspace.networks.values()
    return Job(
        location=side.location,
        source=side.source,
        indices=side.indices,
        wanted=[(network, layers)],
        opens=side.opens,
    )
