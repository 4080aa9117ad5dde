"""What a run works with: the device, the networks, the shard store, the decoding threads."""

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ganeval.errors import CacheError, ResourceError, UsageError
from ganeval.extractors.base import Extractor, ExtractorRequest, find_extractor
from ganeval.features.extraction import Extraction
from ganeval.features.shards import ShardStore
from ganeval.features.shared import SharedFiles
from ganeval.flow.settings import Settings
from ganeval.machine.devices import device_type, gpu_of, num_threads, resolve_device
from ganeval.machine.folders import index_folder, shards_folder, shared_cache
from ganeval.machine.remote import RemotePath, refuse_offline
from ganeval.machine.resources import Resources
from ganeval.machine.team import Team
from ganeval.metrics.protocols import EvaluationProtocol
from ganeval.sources.files.index import Index, open_index

log = logging.getLogger(__name__)

MICRO_BATCH = {"cpu": 16, "cuda": 64, "mps": 32}


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The opened resources of a run.

    Attributes:
        networks: The networks, by their names in the run.
        store: Where features are kept.
        pool: The threads that decode.
    """

    networks: Mapping[str, Extraction]
    store: ShardStore
    pool: Executor


@contextmanager
def open_workspace(
    settings: Settings,
    protocol: EvaluationProtocol,
    layers: Mapping[str, Sequence[str]],
    *,
    must_keep: bool = False,
) -> Iterator[Workspace]:
    """Find the networks and open the store; close and clean up at the end.

    Args:
        settings: The user's options.
        protocol: Its preparation rules for the Inception network.
        layers: The layers that are needed, by the name of their network.
        must_keep: Refuse a cache that cannot be used, instead of going on without it.

    Raises:
        CacheError: The cache cannot be used, and the run needs it.
        WeightsError: The weights cannot be found or downloaded.
        ResourceError: The device is not there.
    """
    networks = {name: _network(name, of_it, settings, protocol) for name, of_it in layers.items()}
    with (
        _open_store(settings, must_keep=must_keep) as store,
        ThreadPoolExecutor(_num_workers(settings), thread_name_prefix="decode") as pool,
    ):
        yield Workspace(networks=networks, store=store, pool=pool)


def opened_index(settings: Settings) -> AbstractContextManager[Index | None]:
    """Open the index of known files, which is saved at the end."""
    return open_index(
        index_folder(settings.cache_dir) if settings.cache else None,
        rehash=settings.rehash,
        trust_times=settings.trust_times,
    )


def _num_workers(settings: Settings) -> int:
    """Return how many workers decode: one per core, shared by the processes of a host."""
    if settings.workers is None:
        return max((os.cpu_count() or 1) // settings.team.local_size, 1)
    return max(settings.workers, 1)


def _network(
    name: str, layers: Sequence[str], settings: Settings, protocol: EvaluationProtocol
) -> Extraction:
    """Find a network and fix how items become its input."""
    device = _own_device(settings) if settings.engine == "local" else settings.device
    request = ExtractorRequest(
        weights_path=settings.weights if name == settings.extractor else None,
        device=device,
        precision=settings.precision,
        offline=settings.offline,
    )
    spec = settings.networks.get(name, name)
    kind = device_type(device)
    extractor = find_extractor(spec)
    for layer in layers:
        extractor.width(layer, request)
    info = extractor.describe(request)
    return Extraction(
        name=name,
        info=info,
        preparation=protocol.preprocess if info.name == "inception" else info.input,
        precision=settings.precision,
        device_type=kind,
        micro_batch=1 if info.one_by_one else settings.batch_size or MICRO_BATCH.get(kind, 32),
        load=partial(_load, spec, request),
        gpu=gpu_of(device) if settings.engine == "local" else None,
        package=extractor.package,
    )


def _load(spec: str, request: ExtractorRequest) -> Extractor:
    """Build a network on its device, whatever torch's default types are.

    Raises:
        ResourceError: This machine, perhaps not the one that began the run, has no such device.
        WeightsError: The weights cannot be found or downloaded.
    """
    from ganeval.extractors.state_dict import float32_by_default

    resolve_device(request.device)
    with float32_by_default():
        return find_extractor(spec).from_request(request)


def _own_device(settings: Settings) -> str:
    """Return the device of this process among those that share a host's CUDA devices."""
    team = settings.team
    kind = device_type(settings.device)
    if team.size == 1 or kind != "cuda":
        return kind if settings.device == "auto" else settings.device
    import torch

    if ":" in settings.device:
        raise UsageError(
            f"--device {settings.device} for {team.size} processes",
            "cuda without a number, so that each process takes its own device",
            "change it",
        )
    if team.local_rank >= torch.cuda.device_count():
        raise ResourceError(
            f"{team.local_size} processes on a host with {torch.cuda.device_count()} CUDA devices",
            "a device for each",
            "change --nproc-per-node",
        )
    torch.cuda.set_device(team.local_rank)
    return f"cuda:{team.local_rank}"


@contextmanager
def _open_store(settings: Settings, *, must_keep: bool) -> Iterator[ShardStore]:
    """Open the cache, or a store for this run alone if the cache is off or cannot be used."""
    resources = Resources(memory=settings.memory, threads=num_threads())
    if not settings.cache:
        with _passing_store(settings.team, resources, None) as store:
            yield store
        return
    shared = _open_shared(settings)
    folder = shards_folder(settings.cache_dir)
    try:
        store = ShardStore(folder, resources, shared=shared)
    except OSError as error:
        asked_for = settings.cache_dir is not None and not isinstance(error, PermissionError)
        if asked_for or must_keep or is_shared(settings):
            raise CacheError(
                f"{folder}: cannot be used as cache ({error.strerror or error})",
                "a folder with write access",
                "choose another with --cache-dir, or use --no-cache",
            ) from error
        log.warning("%s: cannot be used as cache (%s); going on without", folder, error)
        with _passing_store(settings.team, resources, shared) as store:
            yield store
    else:
        yield store


@contextmanager
def _passing_store(
    team: Team, resources: Resources, shared: SharedFiles | None
) -> Iterator[ShardStore]:
    """Open a store whose folder is removed at the end."""
    with _scratch_folder(team) as folder:
        yield ShardStore(folder, resources, shared=shared)


def is_shared(settings: Settings) -> bool:
    """Tell whether several processes work on a run."""
    return settings.team.size > 1 or settings.engine != "local"


@contextmanager
def _scratch_folder(team: Team) -> Iterator[Path]:
    """Yield a folder for this run alone, the same one for all processes of a host."""
    if team.size == 1:
        with tempfile.TemporaryDirectory(prefix="ganeval-") as name:
            yield Path(name)
        return
    if team.local_size != team.size:
        raise UsageError(
            f"--no-cache for {team.size} processes, {team.local_size} of them on this host",
            "a cache that all hosts share",
            "name a folder on a shared file system with --cache-dir",
        )
    folder = Path(tempfile.gettempdir()) / f"ganeval-{team.token}"
    folder.mkdir(mode=0o700, exist_ok=True)
    try:
        yield folder
    finally:
        if team.leads:  # the last to need it
            shutil.rmtree(folder, ignore_errors=True)


def _open_shared(settings: Settings) -> SharedFiles | None:
    """Open the cache that machines share, if there is one.

    Raises:
        UsageError: There is one, but the run may not open a connection.
        CacheError: It cannot be used.
    """
    url = shared_cache(settings.cache_dir)
    if url is None:
        return None
    refuse_offline(url, offline=settings.offline)
    return SharedFiles(RemotePath.of(url) / "shards")
