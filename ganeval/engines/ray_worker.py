"""What a worker process of a Ray cluster does: open what a text names, and make shards of it."""

import logging
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ganeval.engines.sharing import MadeShard, conditions, pictures
from ganeval.errors import TeamError
from ganeval.features.collect import ShardTask, collect_parts
from ganeval.memory import keep_freed_memory
from ganeval.plan import find_protocol, open_images
from ganeval.progress import silent
from ganeval.settings import Settings
from ganeval.sources.base import Source
from ganeval.workspace import Workspace, open_workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSource:
    """A source that another process can open.

    Attributes:
        text: What names it.
        count: How many images it has.
        pictures: What is known of them.
    """

    text: str
    count: int
    pictures: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What the workers of a run must know beside the shards.

    Attributes:
        token: A random name of the run.
        settings: The user's options, with paths that mean the same everywhere.
        layers: That are stored.
        sources: Of the images.
        folder: To which relative paths refer.
        host: Where the run was started.
        conditions: What must be the same here, by name.
    """

    token: str
    settings: Settings
    layers: frozenset[str]
    sources: tuple[NamedSource, ...]
    folder: str
    host: str
    conditions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Opened:
    """What a worker process keeps from one shard to the next."""

    workspace: Workspace
    resources: ExitStack
    sources: dict[int, Source] = field(default_factory=dict)


_OPENED: dict[str, _Opened] = {}  # by the token of the run, which is one in a worker's life


def make_shard(job: Job, number: int, indices: tuple[int, ...]) -> tuple[MadeShard, list[str]]:
    """Put the shard of the items at `indices` of a source into the cache if it is not there.

    Returns:
        What there is to tell of it, and the warnings that arose.

    Raises:
        TeamError: This machine differs from the one that has started the run.
        InputError, MachineError: As `evaluate` does.
    """
    with _kept_warnings() as warnings:
        if job.token not in _OPENED:
            keep_freed_memory()
            _OPENED[job.token] = _open(job)
        opened = _OPENED[job.token]
        if number not in opened.sources:
            opened.sources[number] = _open_source(job, number)
        task = ShardTask(
            source=opened.sources[number], indices=indices, start=0, total=len(indices)
        )
        workspace = opened.workspace
        (part,) = collect_parts(
            [task], workspace.recipe, workspace.store, pool=workspace.pool, progress=silent
        )
    return MadeShard(key=part.key, digests=part.digests, computed=part.computed), warnings


def _open(job: Job) -> _Opened:
    """Load the network and open the cache, for as long as this process lives."""
    if Path(job.folder).is_dir():
        os.chdir(job.folder)
    resources = ExitStack()
    protocol = find_protocol(job.settings.protocol)
    workspace = resources.enter_context(
        open_workspace(job.settings, protocol, job.layers, must_keep=True)
    )
    _compare(job, job.conditions, conditions(workspace.recipe))
    return _Opened(workspace, resources)


def _open_source(job: Job, number: int) -> Source:
    """Open one of the sources."""
    named = job.sources[number]
    source = open_images(named.text, job.settings, named.count)
    name = f"the pictures of {named.text}"
    _compare(job, {name: named.pictures}, {name: pictures(source)})
    return source


def _compare(job: Job, wanted: Mapping[str, str], found: Mapping[str, str]) -> None:
    """Refuse to make shards under other conditions than those of the run."""
    differing = [name for name, value in wanted.items() if found[name] != value]
    if differing:
        raise TeamError(
            f"{socket.gethostname()} differs from {job.host} in {', '.join(differing)}",
            "the same pictures, weights and versions on all machines",
            "look at the machines",
        )


@contextmanager
def _kept_warnings() -> Iterator[list[str]]:
    """Yield a list that gets the library's warnings, which nobody reads here."""
    lines: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("ganeval")
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
