"""Shards as the tasks of a Ray cluster, which schedules them, retries them and spreads them."""

import logging
import os
import re
import signal
import socket
import sys
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

from ganeval.engines.ray_worker import Job, NamedSource, make_shard
from ganeval.engines.sharing import MadeShard, conditions, join_sides, pictures, tasks_of
from ganeval.errors import GanevalError, ResourceError, TeamError, UsageError
from ganeval.features.collect import Features, Interrupted
from ganeval.folders import cache_folder, shared_cache
from ganeval.plan import Side
from ganeval.progress import Progress, silent
from ganeval.settings import Settings
from ganeval.workspace import Workspace

log = logging.getLogger(__name__)

_ADDRESS = re.compile(r"(ray://)?\[?(?P<host>[^\[\]/]+)\]?:(?P<port>\d+)")
_KNOCK_SECONDS = 10
_RETRIES = 5  # of a shard whose worker process or machine is gone


def find_cluster(settings: Settings) -> Settings:
    """Look for the running cluster, and return the settings with the device it works on.

    Raises:
        UsageError: An option that means nothing on a cluster.
        ResourceError: Ray is not installed, or the cluster has no such device.
        TeamError: There is no cluster.
    """
    if not settings.cache:
        raise UsageError(
            "--no-cache with --engine ray", "a cache that all machines share", "drop one"
        )
    if settings.device not in ("auto", "cpu", "cuda"):
        raise UsageError(
            f"--device {settings.device} with --engine ray",
            "auto, cpu or cuda, of which Ray hands out single devices",
            "change it",
        )
    ray = _import_ray()
    with _connected(ray):
        has_cuda = ray.cluster_resources().get("GPU", 0) > 0
    if settings.device == "cuda" and not has_cuda:
        raise ResourceError(
            "device 'cuda' is not there (the Ray cluster has no GPU)",
            "a machine with one in the cluster",
            "use --device auto",
        )
    return replace(
        settings,
        device="cuda" if has_cuda and settings.device != "cpu" else "cpu",
        cache_dir=shared_cache(settings.cache_dir)
        or Path(settings.cache_dir or cache_folder()).absolute(),
    )


def collect_on_ray(
    sides: Sequence[Side], workspace: Workspace, settings: Settings
) -> Iterator[Features]:
    """Yield the features of each side, whose shards are tasks of the cluster.

    Raises:
        UsageError: A source in memory, which cannot travel.
        TeamError: A machine differs, or shards were lost time and again.
        InputError: A picture cannot be used.
        Interrupted: Ctrl-C; finished shards stay.
    """
    ray = _import_ray()
    job = _job(sides, workspace, settings)
    with _connected(ray):
        make = ray.remote(max_retries=_RETRIES, **_needs(ray, settings))(make_shard)
        reference = ray.put(job)
        pending = [
            make.remote(reference, number, tuple(task.indices))
            for number, side in enumerate(sides)
            for task in tasks_of(side)
        ]
        made = _results(ray, pending, sides, settings.progress)
        try:
            yield from join_sides(sides, made, workspace, skip_bad=settings.on_bad_image == "skip")
        except BaseException as error:
            for task in pending:
                ray.cancel(task)
            if isinstance(error, KeyboardInterrupt):
                raise Interrupted(
                    "interrupted: finished shards are in the cache; "
                    "run the same command again to go on"
                ) from error
            raise


def _import_ray() -> Any:
    """Return the package, which is an extra."""
    try:
        import ray
    except ImportError as error:
        raise ResourceError(
            "--engine ray, and Ray is not installed", "the extra ray", "pip install 'ganeval[ray]'"
        ) from error
    return ray


@contextmanager
def _connected(ray: Any) -> Iterator[None]:
    """Connect for the block, if the program has not done so itself.

    Ray prints news of the cluster to stdout, which is for results.
    """
    if ray.is_initialized():
        yield
        return
    with redirect_stdout(sys.stderr):
        _join_cluster(ray)
        try:
            yield
        finally:
            ray.shutdown()


def _join_cluster(ray: Any) -> None:
    """Connect to the cluster of RAY_ADDRESS, or the one on this machine; never start one."""
    in_main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    address = os.environ.get("RAY_ADDRESS")
    try:
        _knock(address or "")
        ray.init(address="auto", logging_level="ERROR", log_to_driver=False)
    except (OSError, RuntimeError, ValueError) as error:
        raise TeamError(
            f"no Ray cluster at RAY_ADDRESS={address}" if address else "no Ray cluster is running",
            "one that can be reached from here",
            "start it (`ray start --head`), set RAY_ADDRESS, or leave --engine ray out",
        ) from error
    if in_main:  # Ray would exit without a word
        signal.signal(signal.SIGTERM, before)


def _knock(address: str) -> None:
    """Open a connection to HOST:PORT, where Ray would go on trying for many minutes.

    Raises:
        OSError: Nobody answers.
    """
    place = _ADDRESS.fullmatch(address)
    if place is not None:
        socket.create_connection((place["host"], int(place["port"])), _KNOCK_SECONDS).close()


def _needs(ray: Any, settings: Settings) -> dict[str, Any]:
    """Return what one task needs of a machine."""
    resources = ray.cluster_resources()
    num_gpus = int(resources.get("GPU", 0)) if settings.device == "cuda" else 0
    share = int(resources.get("CPU", 1)) // num_gpus if num_gpus else 1
    num_cpus = share if settings.workers is None else settings.workers
    return {"num_cpus": max(num_cpus, 1), "num_gpus": min(num_gpus, 1)}


def _job(sides: Sequence[Side], workspace: Workspace, settings: Settings) -> Job:
    """Return what the workers must know."""
    sources = []
    for side in sides:
        if side.text is None or side.source is None:
            raise UsageError(
                f"{side.location}: a source in memory with --engine ray",
                "a path or text, which other machines can open",
                "write the images to a file, or leave --engine ray out",
            )
        sources.append(
            NamedSource(text=side.text, count=len(side.source), pictures=pictures(side.source))
        )
    recipe = workspace.recipe
    weights = settings.weights
    return Job(
        token=uuid.uuid4().hex,
        settings=replace(
            settings,
            engine="local",
            workers=None,  # threads: they are the processors that a task has asked for
            progress=silent,
            weights=None if weights is None else weights.absolute(),
        ),
        layers=frozenset(recipe.layers),
        sources=tuple(sources),
        folder=str(Path.cwd()),
        host=socket.gethostname(),
        conditions=conditions(recipe),
    )


def _results(
    ray: Any, pending: Sequence[Any], sides: Sequence[Side], progress: Progress
) -> Iterator[MadeShard]:
    """Yield what the makers of all shards tell, in order, as soon as it is known."""
    rest = iter(pending)
    for side in sides:
        for task in tasks_of(side):
            progress(side.location, task.start, task.total)
            made, warnings = _result(ray, next(rest))
            for warning in warnings:
                log.warning("%s", warning)
            yield made
        progress(side.location, len(side.indices), len(side.indices))


def _result(ray: Any, task: Any) -> tuple[MadeShard, list[str]]:
    """Wait for a task; raise what went wrong in it."""
    try:
        result: tuple[MadeShard, list[str]] = ray.get(task)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, GanevalError | OSError | MemoryError):
            raise error.cause from None
        raise
    except ray.exceptions.RayError as error:
        raise TeamError(
            f"the Ray cluster could not make a shard ({type(error).__name__})",
            f"a machine that lives long enough for one ({1 + _RETRIES} tries each)",
            "look at the cluster (`ray status`) and run the same command again: "
            "finished shards are kept",
        ) from error
    return result
