"""Shards computed as tasks of a Ray cluster, which schedules, spreads and retries them."""

import logging
import os
import re
import signal
import socket
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, TypeVar

from ganeval.engines.ray_worker import Order, call_in_folder, make_shard
from ganeval.engines.sharing import MadeShard, conditions, join_jobs, networks_of, pictures
from ganeval.errors import GanevalError, ResourceError, TeamError, UsageError
from ganeval.features.collect import Interrupted
from ganeval.features.collected import Features
from ganeval.features.jobs import Job, cut
from ganeval.features.shards import ShardStore
from ganeval.machine.progress import Progress

log = logging.getLogger(__name__)

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")

_ADDRESS = re.compile(r"(ray://)?\[?(?P<host>[^\[\]/]+)\]?:(?P<port>\d+)")
_KNOCK_SECONDS = 10
_RETRIES = 5  # of a shard whose worker process or machine is gone


def device_of_cluster(wanted: str) -> str:
    """Return the device type to use on the running cluster.

    Args:
        wanted: "auto", "cpu" or "cuda".

    Raises:
        UsageError: `wanted` is another device.
        ResourceError: Ray is not installed, or the cluster has no such device.
        TeamError: There is no cluster.
    """
    if wanted not in ("auto", "cpu", "cuda"):
        raise UsageError(
            f"--device {wanted} with --engine ray",
            "auto, cpu or cuda, because Ray assigns the GPUs itself",
            "change it",
        )
    ray = _import_ray()
    with _connected(ray):
        has_cuda = ray.cluster_resources().get("GPU", 0) > 0
    if wanted == "cuda" and not has_cuda:
        raise ResourceError(
            "device 'cuda' is not there (the Ray cluster has no GPU)",
            "a machine with one in the cluster",
            "use --device auto",
        )
    return "cuda" if has_cuda and wanted != "cpu" else "cpu"


def collect_on_ray(
    workers: int | None,
    jobs: Sequence[Job],
    store: ShardStore,
    pool: Executor,
    *,
    skip_bad: bool,
    progress: Progress,
) -> Iterator[Features]:
    """Yield the features of each job; each shard is a task of the cluster.

    Raises:
        UsageError: A source is in memory, where other machines cannot open it.
        TeamError: A machine differs, or a shard was lost too often.
        InputError: An item cannot be used.
        Interrupted: Ctrl-C; finished shards stay.
    """
    ray = _import_ray()
    with _connected(ray):
        needs = _needs(ray, jobs, workers)
        order = _order(jobs, store, needs["num_cpus"])
        make = ray.remote(max_retries=_RETRIES, **needs)(make_shard)
        reference = ray.put(order)
        pending = [
            make.remote(reference, number, tuple(task.indices))
            for number, job in enumerate(jobs)
            for task in cut(job)
        ]
        made = _results(ray, pending, jobs, progress)
        try:
            yield from join_jobs(jobs, made, store, pool, skip_bad=skip_bad)
        except BaseException as error:
            for task in pending:
                ray.cancel(task)
            if isinstance(error, KeyboardInterrupt):
                raise Interrupted(
                    "interrupted: finished shards are in the cache; "
                    "run the same command again to go on"
                ) from error
            raise


def call_on_ray(
    function: Callable[[_Task], _Result], tasks: Sequence[_Task], device_type: str
) -> Iterator[_Result]:
    """Yield what a function returns for each task, in order; each call is a task of the cluster.

    A task whose worker process or machine is lost is started again.

    Args:
        function: The function to call; it, its tasks and its results can be pickled.
        tasks: Its arguments, one for each call.
        device_type: "cuda" gives each task a GPU.

    Raises:
        TeamError: There is no cluster, or a task was lost too often.
        GanevalError: The function raised it.
    """
    ray = _import_ray()
    with _connected(ray):
        needs = {"num_cpus": 1, "num_gpus": int(device_type == "cuda")}
        call = ray.remote(max_retries=_RETRIES, **needs)(call_in_folder)
        pending = [call.remote(function, task, str(Path.cwd())) for task in tasks]
        try:
            for task in pending:
                yield _result(ray, task, "finish a task")
        except BaseException:
            for task in pending:
                ray.cancel(task)
            raise


def _import_ray() -> Any:
    """Import Ray, which is an optional extra."""
    try:
        import ray
    except ImportError as error:
        raise ResourceError(
            "--engine ray, and Ray is not installed", "the extra ray", "pip install 'ganeval[ray]'"
        ) from error
    return ray


@contextmanager
def _connected(ray: Any) -> Iterator[None]:
    """Connect to the cluster for the block, unless the program is connected already.

    Ray prints messages to stdout, which is for results; they are sent to stderr.
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
    """Connect to the cluster at RAY_ADDRESS, or to the one on this machine; never start one."""
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
    if in_main:  # Ray's own handler would exit silently
        signal.signal(signal.SIGTERM, before)


def _knock(address: str) -> None:
    """Check that HOST:PORT answers, because Ray itself would keep trying for many minutes.

    Raises:
        OSError: Nobody answers.
    """
    place = _ADDRESS.fullmatch(address)
    if place is not None:
        socket.create_connection((place["host"], int(place["port"])), _KNOCK_SECONDS).close()


def _needs(ray: Any, jobs: Sequence[Job], workers: int | None) -> dict[str, Any]:
    """Return what one task needs of a machine."""
    resources = ray.cluster_resources()
    on_cuda = any(network.device_type == "cuda" for network in networks_of(jobs))
    num_gpus = int(resources.get("GPU", 0)) if on_cuda else 0
    share = int(resources.get("CPU", 1)) // num_gpus if num_gpus else 1
    num_cpus = share if workers is None else workers
    return {"num_cpus": max(num_cpus, 1), "num_gpus": min(num_gpus, 1)}


def _order(jobs: Sequence[Job], store: ShardStore, num_threads: int) -> Order:
    """Return what the workers must know."""
    for job in jobs:
        if job.opens is None:
            raise UsageError(
                f"{job.location}: a source in memory with --engine ray",
                "a path or text, which other machines can open",
                "write the items to a file, or leave --engine ray out",
            )
    return Order(
        token=uuid.uuid4().hex,
        opens=tuple(job.opens for job in jobs),
        locations=tuple(job.location for job in jobs),
        pictures=tuple(pictures(job.source) for job in jobs),
        wanted=tuple(job.wanted for job in jobs),
        conditions=tuple(
            {network.name: conditions(network) for network, _ in job.wanted} for job in jobs
        ),
        store=store.address,
        num_threads=num_threads,
        folder=str(Path.cwd()),
        host=socket.gethostname(),
    )


def _results(
    ray: Any, pending: Sequence[Any], jobs: Sequence[Job], progress: Progress
) -> Iterator[MadeShard]:
    """Yield the reports on all shards, in order, as they arrive."""
    rest = iter(pending)
    made: MadeShard
    for job in jobs:
        for task in cut(job):
            progress(job.location, task.start, task.total, job.noun)
            made, warnings = _result(ray, next(rest))
            for warning in warnings:
                log.warning("%s", warning)
            yield made
        progress(job.location, len(job.indices), len(job.indices), job.noun)


def _result(ray: Any, task: Any, what: str = "make a shard") -> Any:
    """Wait for a task and return its result, or raise its error."""
    try:
        result = ray.get(task)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, GanevalError | OSError | MemoryError):
            raise error.cause from None
        raise
    except ray.exceptions.RayError as error:
        raise TeamError(
            f"the Ray cluster could not {what} ({type(error).__name__})",
            f"a cluster that finishes it in {1 + _RETRIES} tries",
            "look at the cluster (`ray status`) and run the same command again: "
            "finished work is kept",
        ) from error
    return result
