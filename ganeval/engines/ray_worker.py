"""The work of a Ray worker process: open the sources of a run, and make shards from them."""

import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from ganeval.engines.sharing import MadeShard, conditions, pictures
from ganeval.errors import TeamError
from ganeval.features.collect import collect_parts
from ganeval.features.extraction import Extraction, Wanted
from ganeval.features.jobs import Job, Opens, ShardTask
from ganeval.features.shards import ShardStore, StoreAddress
from ganeval.machine.memory import keep_freed_memory
from ganeval.machine.progress import silent
from ganeval.sources.base import plural

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the workers of a run must know besides the shards. Tuples have a value for each job.

    Attributes:
        token: A random name of the run.
        opens: What opens each source.
        locations: Names of the sources in messages.
        pictures: What `sharing.pictures` says about each source.
        wanted: The networks and layers.
        conditions: What must be the same on the worker, by network and by its name in messages.
        store: Where the shards are kept.
        num_threads: Number of decoding threads.
        folder: The folder that relative paths refer to.
        host: Where the run was started.
    """

    token: str
    opens: tuple[Opens | None, ...]
    locations: tuple[str, ...]
    pictures: tuple[str, ...]
    wanted: tuple[Wanted, ...]
    conditions: tuple[Mapping[str, Mapping[str, str]], ...]
    store: StoreAddress
    num_threads: int
    folder: str
    host: str


@dataclass(frozen=True, slots=True)
class _Opened:
    """What a worker process keeps from one shard to the next."""

    store: ShardStore
    pool: Executor
    networks: dict[str, Extraction] = field(default_factory=dict)
    jobs: dict[int, Job] = field(default_factory=dict)


_OPENED: dict[str, _Opened] = {}  # by the token of the run; a worker serves only one run


def make_shard(order: Order, number: int, indices: tuple[int, ...]) -> tuple[MadeShard, list[str]]:
    """Put the shards of a source's items at `indices` into the cache if they are not there.

    Returns:
        The report on the shards, and the warnings that were logged.

    Raises:
        TeamError: This machine differs from the one that started the run.
        InputError, MachineError: As `evaluate` does.
    """
    with _kept_warnings() as warnings:
        if order.token not in _OPENED:
            keep_freed_memory()
            if Path(order.folder).is_dir():
                os.chdir(order.folder)
            pool = ThreadPoolExecutor(order.num_threads, thread_name_prefix="decode")
            _OPENED[order.token] = _Opened(order.store.open(), pool)
        opened = _OPENED[order.token]
        if number not in opened.jobs:
            opened.jobs[number] = _open_job(order, number, opened.networks)
        task = ShardTask(
            job=replace(opened.jobs[number], indices=indices), indices=indices, start=0
        )
        (part,) = collect_parts([task], opened.store, pool=opened.pool, progress=silent)
    return MadeShard(digests=part.digests, computed=part.computed), warnings


def call_in_folder(function: Callable[[_Task], _Result], task: _Task, folder: str) -> _Result:
    """Call a function in the folder that relative paths refer to, if this machine has it."""
    keep_freed_memory()
    if Path(folder).is_dir():
        os.chdir(folder)
    return function(task)


def _open_job(order: Order, number: int, networks: dict[str, Extraction]) -> Job:
    """Open one of the sources and build its networks."""
    opens, location = order.opens[number], order.locations[number]
    assert opens is not None
    source = opens()
    name = f"the {plural(source.info.content)} of {location}"
    _compare(order, {name: order.pictures[number]}, {name: pictures(source)})
    wanted = []
    for network, layers in order.wanted[number]:
        if network.name not in networks:
            own = replace(network, info=network.network.info)
            own.__dict__["network"] = network.network
            _compare(order, order.conditions[number][network.name], conditions(own))
            networks[network.name] = own
        wanted.append((networks[network.name], layers))
    return Job(location=location, source=source, indices=(), wanted=wanted, opens=opens)


def _compare(order: Order, wanted: Mapping[str, str], found: Mapping[str, str]) -> None:
    """Refuse to make shards under conditions that differ from those of the run."""
    differing = [name for name, value in wanted.items() if found[name] != value]
    if differing:
        raise TeamError(
            f"{socket.gethostname()} differs from {order.host} in {', '.join(differing)}",
            "the same sources, weights and versions on all machines",
            "make the machines the same and run the same command again",
        )


@contextmanager
def _kept_warnings() -> Iterator[list[str]]:
    """Collect the library's warnings in a list, because nobody reads the log of a worker."""
    lines: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("ganeval")
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
