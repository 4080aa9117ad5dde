"""The shard store: one layer of 1024 items in a file, named by the digest of all that made it.

Shards serve as the cache, and a killed run resumes from them. A file that exists is not computed
again. Each layer and network has files of its own. A killed run loses at most the shards in flight.
A complete file gets its name by a rename, so no locks are needed. A damaged or foreign file is
noticed by its digest and computed again.

Behind the folder there may be a second, remote level that machines share (`features.shared`). A
file that is only there is fetched whole. A file that is only here is stored there. Everything else
reads the folder.
"""

import contextlib
import hashlib
import json
import logging
import os
import stat
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

from ganeval.errors import CacheError, ResourceError
from ganeval.features.shared import SharedFiles
from ganeval.machine.files import reserve, temporary_name, write_whole
from ganeval.machine.folders import shards_folder
from ganeval.machine.json_text import parse_json
from ganeval.machine.remote import RemotePath
from ganeval.machine.resources import DEFAULT, Resources

log = logging.getLogger(__name__)

SHARD_SIZE = 1024
FORMAT = 2
_ROWS = "features"  # the name of the one tensor in a file
_SECONDS_PER_DAY = 86_400
_DAMAGE = (safetensors.SafetensorError, OSError, ValueError, KeyError, TypeError)

_Content = TypeVar("_Content")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardInfo:
    """What a shard says besides its features.

    Attributes:
        num: Number of feature rows.
        notes: How many items each decoding note applies to.
        skipped: For each item that gave no row, its position in the shard and the reason. In a file
            the reason lacks the item's name, because other items may have the same content.
    """

    num: int
    notes: Mapping[str, int]
    skipped: Mapping[int, str]


def shard_key(identity: Mapping[str, object], digests: Sequence[bytes]) -> str:
    """Return the key of a shard: a hex digest of all that can change its value.

    Args:
        identity: JSON values: source settings, preparation, extractor, layer, versions, ...
        digests: The content digests of its items, in order.
    """
    text = json.dumps({"format": FORMAT, **identity}, sort_keys=True, ensure_ascii=True)
    key = hashlib.sha256(text.encode("ascii"))
    for digest in digests:
        key.update(digest)
    return key.hexdigest()


class ShardStore:
    """Shards in a folder; any number of processes and machines may share it."""

    def __init__(
        self,
        folder: Path,
        resources: Resources = DEFAULT,
        *,
        shared: SharedFiles | None = None,
    ) -> None:
        """Open the store in `folder`, which is created with access for its owner only.

        Args:
            folder: Where its files are.
            resources: How much of the machine may be used.
            shared: The same files on a remote file system.

        Raises:
            OSError: The folder cannot be created or written to.
        """
        self.folder = folder
        self.resources = resources
        self._shared = shared
        self._scratch = folder / "tmp"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._scratch.mkdir(mode=0o700, exist_ok=True)
        if not os.access(self._scratch, os.W_OK | os.X_OK):
            raise PermissionError(f"{folder} cannot be written to")
        mode = folder.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            log.warning("%s: anyone can write to this cache; `chmod o-w` it", folder)
        self._remove_stale_scratch()

    @property
    def address(self) -> "StoreAddress":
        """The address by which another process opens the same store."""
        folder = str(self.folder.absolute()) if self.url is None else None
        return StoreAddress(folder, self.url, self.resources)

    @property
    def url(self) -> str | None:
        """Where the files are shared with other machines; None if they are not."""
        return None if self._shared is None else self._shared.url("")

    def path(self, key: str) -> Path:
        """Return where the shard called `key` is or would be."""
        return self.folder / key[:2] / f"{key}.safetensors"

    def mark_path(self, name: str) -> Path:
        """Return the path of a temporary file that shows processes whether they share the store."""
        return self._scratch / f"mark-{name}"

    def find(self, key: str) -> ShardInfo | None:
        """Return the shard's info if the file is there and undamaged; verify its digest.

        A damaged or foreign file is reported and counts as absent.
        """
        info = self._find(self.path(key), lambda path: self._read(path, key)[0])
        if info is not None:
            # `ganeval cache prune` goes by the last use. The shard may belong to another user. If
            # it was just pruned, `rows` will raise an error.
            with contextlib.suppress(OSError):
                os.utime(self.path(key))
        return info

    def _find(self, path: Path, read: Callable[[Path], _Content]) -> _Content | None:
        """Return what `read` returns for a file of the store; None if it is missing or damaged.

        This looks in the folder, then at the remote level. Afterwards a file that was found is at
        both.
        """
        found = _whole(path, path, read)
        if self._shared is None:
            return found
        name = path.relative_to(self.folder).as_posix()
        if found is not None:
            self._shared.complete(name, path)
            return found
        content = self._shared.fetch(name)
        if content is None:
            return None
        fetched = self._scratch / temporary_name(path)
        try:
            write_whole(fetched, content)
            found = _whole(fetched, self._shared.url(name), read)
            if found is not None:
                path.parent.mkdir(mode=0o700, exist_ok=True)
                fetched.replace(path)
        finally:
            fetched.unlink(missing_ok=True)
        return found

    def _put(self, path: Path, content: bytes) -> None:
        """Write a file into the folder and to the remote level.

        Raises:
            ResourceError: The disk is full.
            CacheError: The folder or the remote level cannot be written to.
        """
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            write_whole(path, content, scratch=self._scratch)
        except ResourceError:
            raise
        except OSError as error:
            raise CacheError(
                f"{path}: cannot be written ({error.strerror})",
                "a cache folder with write access",
                "choose another with --cache-dir, or use --no-cache",
            ) from error
        if self._shared is not None:
            self._shared.store(path.relative_to(self.folder).as_posix(), content)

    def _read(self, path: Path, key: str) -> tuple[ShardInfo, npt.NDArray[np.float32]]:
        """Return info and rows of a shard file; raise if anything differs from what was written."""
        path.stat()  # raises FileNotFoundError if it is missing
        with safetensors.safe_open(path, framework="np") as file:
            card = parse_json((file.metadata() or {})["ganeval.shard"])
            if card["key"] != key:
                raise ValueError("it belongs to another key")
            rows = file.get_tensor(_ROWS)
        if _digest(rows) != card["sha256"]:
            raise ValueError("its digest does not match")
        skipped = {int(position): reason for position, reason in card["skipped"].items()}
        return ShardInfo(num=card["num"], notes=card["notes"], skipped=skipped), rows

    def rows(self, key: str) -> npt.NDArray[np.float32]:
        """Return the rows of a shard that was found or written before, float32 [n, width].

        Raises:
            CacheError: The file has since been removed or damaged.
        """
        path = self.path(key)
        try:
            return self._read(path, key)[1]
        except _DAMAGE as error:
            raise CacheError(
                f"{path}: the shard was there a moment ago, now: {error}",
                "a cache that nobody clears during the run",
                "run the same command again",
            ) from error

    def has(self, key: str) -> bool:
        """Return whether the folder has a file of this shard; the file may be damaged."""
        return self.path(key).exists()

    def write(self, key: str, rows: npt.NDArray[np.float32], info: ShardInfo) -> None:
        """Store a shard; the same shard always has the same bytes.

        Raises:
            ResourceError: The disk is full. Shards already stored stay.
        """
        card = {
            "key": key,
            "num": info.num,
            "notes": dict(sorted(info.notes.items())),
            "skipped": {str(position): reason for position, reason in info.skipped.items()},
            "sha256": _digest(rows),
        }
        # One metadata entry, because the order of several is not fixed in the file.
        metadata = {"ganeval.shard": json.dumps(card, sort_keys=True)}
        self._put(self.path(key), _packed({_ROWS: rows}, metadata))

    def derived_path(self, key: str) -> Path:
        """Return where the derived value called `key` is or would be."""
        return self.folder / "derived" / f"{key}.safetensors"

    def find_derived(self, key: str) -> dict[str, npt.NDArray[Any]] | None:
        """Return a derived value if the file is there and undamaged; verify its digests.

        A damaged or foreign file is reported and counts as absent.
        """
        arrays = self._find(self.derived_path(key), lambda path: _read_derived(path, key))
        if arrays is not None:
            with contextlib.suppress(OSError):  # as in `find`
                os.utime(self.derived_path(key))
        return arrays

    def write_derived(self, key: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Store a derived value; the same value always has the same bytes.

        Raises:
            ResourceError, CacheError: As `write` does.
        """
        card = {"key": key, "sha256": {name: _typed(array) for name, array in arrays.items()}}
        metadata = {"ganeval.derived": json.dumps(card, sort_keys=True)}
        self._put(self.derived_path(key), _packed(arrays, metadata))

    def matrix(self, num: int, width: int) -> npt.NDArray[np.float32]:
        """Return an array float32 [num, width] to be filled; a large one is mapped from disk."""
        if num * width * 4 <= self.resources.memory // 4:
            return np.empty((num, width), np.float32)
        return self.scratch_rows(num, width)

    def scratch_rows(self, num: int, width: int) -> npt.NDArray[np.float32]:
        """Return an array float32 [num, width] on disk that vanishes with its last use.

        Raises:
            ResourceError: The disk is full.
        """
        path = self._scratch / f"rows-{os.getpid()}-{time.monotonic_ns()}"
        reserve(path, num * width * 4)
        rows = np.memmap(path, dtype=np.float32, mode="r+", shape=(num, width))
        path.unlink()  # the mapping keeps the space until it is dropped
        return rows

    def _remove_stale_scratch(self) -> None:
        """Remove what killed processes left more than a day ago."""
        for path in self._scratch.iterdir():
            with contextlib.suppress(FileNotFoundError):  # renamed or removed by another process
                if time.time() - path.stat().st_mtime > _SECONDS_PER_DAY:
                    path.unlink()


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """What is needed to open a store in another process.

    Attributes:
        folder: Its path on every machine that shares a file system with this one. None stands for a
            machine's default cache folder, used in front of `url`.
        url: Where its files are shared with other machines; None if they are not.
        resources: How much of the machine may be used.
    """

    folder: str | None
    url: str | None
    resources: Resources

    def open(self) -> ShardStore:
        """Open the store.

        Raises:
            CacheError: It cannot be used.
        """
        shared = None if self.url is None else SharedFiles(RemotePath.of(self.url))
        folder = shards_folder(None) if self.folder is None else Path(self.folder)
        try:
            return ShardStore(folder, self.resources, shared=shared)
        except OSError as error:
            raise CacheError(
                f"{folder}: cannot be used as cache ({error.strerror or error})",
                "a folder with write access",
                "choose another with --cache-dir, or use --no-cache",
            ) from error


def _whole(path: Path, name: object, read: Callable[[Path], _Content]) -> _Content | None:
    """Return what `read` returns for a file; None if it is missing, or damaged (with a warning)."""
    try:
        return read(path)
    except FileNotFoundError:
        return None
    except _DAMAGE as error:
        log.warning("%s: damaged cache file (%s); computing it again", name, error)
        return None


def _read_derived(path: Path, key: str) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a derived value; raise if anything differs from what was written."""
    path.stat()  # raises FileNotFoundError if it is missing
    with safetensors.safe_open(path, framework="np") as file:
        card = parse_json((file.metadata() or {})["ganeval.derived"])
        if card["key"] != key:
            raise ValueError("it belongs to another key")
        arrays = {name: file.get_tensor(name) for name in card["sha256"]}
    for name, array in arrays.items():
        if _typed(array) != card["sha256"][name]:
            raise ValueError(f"digest of {name} does not match")
    return arrays


def _packed(arrays: Mapping[str, npt.NDArray[Any]], metadata: dict[str, str]) -> bytes:
    """Return arrays as a safetensors file, which stores bytes in C order."""
    ordered = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    return safetensors.numpy.save(ordered, metadata=metadata)


def _typed(array: npt.NDArray[Any]) -> str:
    """Return an array's type and digest."""
    return f"{array.dtype.str} {_digest(array)}"


def _digest(rows: npt.NDArray[Any]) -> str:
    """Return the hex SHA-256 of an array's shape and bytes."""
    digest = hashlib.sha256(repr(rows.shape).encode())
    digest.update(np.ascontiguousarray(rows).view(np.uint8).data)
    return digest.hexdigest()
