"""What a run works with: the device, the loaded network, the shard store, the decoding threads."""

import logging
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from ganeval.errors import CacheError, ResourceError, UsageError
from ganeval.extractors.base import EXTRACTORS, Extractor, ExtractorRequest
from ganeval.features.compute import Recipe
from ganeval.features.shards import ShardStore
from ganeval.features.shared import SharedFiles
from ganeval.folders import shards_folder, shared_cache
from ganeval.metrics.protocols import EvaluationProtocol
from ganeval.remote import RemotePath, refuse_offline
from ganeval.resources import Resources
from ganeval.settings import Settings

log = logging.getLogger(__name__)

MICRO_BATCH = {"cpu": 16, "cuda": 64, "mps": 32}


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The opened resources of a run."""

    recipe: Recipe
    store: ShardStore
    pool: Executor


@contextmanager
def open_workspace(
    settings: Settings, protocol: EvaluationProtocol, layers: frozenset[str] = frozenset()
) -> Iterator[Workspace]:
    """Load the network and open the store; close and clean up in the end.

    Args:
        settings: The user's options.
        protocol: Its preprocessing rules for the Inception network.
        layers: Layers that are needed beyond the extractor's default ones.

    Raises:
        WeightsError: The weights cannot be had.
        ResourceError: The device is not there.
    """
    recipe = _recipe(settings, protocol, layers)
    num_workers = os.cpu_count() or 1 if settings.workers is None else max(settings.workers, 1)
    with (
        _open_store(settings) as store,
        ThreadPoolExecutor(num_workers, thread_name_prefix="decode") as pool,
    ):
        yield Workspace(recipe=recipe, store=store, pool=pool)


def _recipe(settings: Settings, protocol: EvaluationProtocol, layers: frozenset[str]) -> Recipe:
    """Load the network and fix how pictures become its input."""
    device = resolve_device(settings.device)
    extractor: Extractor = EXTRACTORS.load(settings.extractor).from_request(
        ExtractorRequest(
            weights_path=settings.weights,
            device=device,
            precision=settings.precision,
            offline=settings.offline,
        )
    )
    info = extractor.info
    absent = layers - info.layers.keys()
    if absent:
        raise UsageError(
            f"extractor {info.name} has no layer {', '.join(sorted(absent))}",
            f"one of {', '.join(info.layers)}",
            "choose another layer or extractor",
        )
    return Recipe(
        extractor=extractor,
        preprocess=protocol.preprocess if info.name == "inception" else info.preprocess,
        precision=settings.precision,
        device_type=device.type,
        micro_batch=settings.batch_size or MICRO_BATCH.get(device.type, 32),
        layers=tuple(sorted({*info.default_layers, *layers})),
    )


def resolve_device(name: str) -> torch.device:
    """Return the device called `name`; "auto" is CUDA, then MPS, then the CPU.

    Raises:
        UsageError: No such name.
        ResourceError: This machine has no such device.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    kind, _, index = name.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (index and not index.isdigit()):
        raise UsageError(f"unknown device '{name}'", "auto, cpu, cuda, cuda:1 or mps", "change it")
    count = {
        "cpu": 1,
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
    }[kind]
    if int(index or 0) >= count:
        raise ResourceError(
            f"device '{name}' is not there (torch sees {count} of its kind)",
            "a device of this machine",
            "use --device auto",
        )
    return torch.device(name)


@contextmanager
def _open_store(settings: Settings) -> Iterator[ShardStore]:
    """Open the cache, or a store for this run only if there is to be none or it cannot be used."""
    resources = Resources(memory=settings.memory, threads=torch.get_num_threads())
    if not settings.cache:
        with _passing_store(resources, None) as store:
            yield store
        return
    shared = _open_shared(settings)
    folder = shards_folder(settings.cache_dir)
    try:
        store = ShardStore(folder, resources, shared=shared)
    except OSError as error:
        if settings.cache_dir is not None and not isinstance(error, PermissionError):
            raise CacheError(
                f"{folder}: cannot be used as cache ({error.strerror or error})",
                "a folder with write access",
                "choose another with --cache-dir, or use --no-cache",
            ) from error
        log.warning("%s: cannot be used as cache (%s); going on without", folder, error)
        with _passing_store(resources, shared) as store:
            yield store
    else:
        yield store


@contextmanager
def _passing_store(resources: Resources, shared: SharedFiles | None) -> Iterator[ShardStore]:
    """Open a store whose folder goes away in the end."""
    with tempfile.TemporaryDirectory(prefix="ganeval-") as name:
        yield ShardStore(Path(name), resources, shared=shared)


def _open_shared(settings: Settings) -> SharedFiles | None:
    """Open the cache that machines share, if there is one.

    Raises:
        UsageError: There is, and the run is to open no connection.
        CacheError: It cannot be used.
    """
    url = shared_cache(settings.cache_dir)
    if url is None:
        return None
    refuse_offline(url, offline=settings.offline)
    return SharedFiles(RemotePath.of(url) / "shards")
