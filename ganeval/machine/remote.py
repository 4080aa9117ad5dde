"""Files on remote file systems, through fsspec: s3://, gs://, https:// and others.

Every error of a backend becomes one of two: `FileNotFoundError`, as for a local file, or a
`ResourceError`. All other errors (no network, no permission, an expired credential) say nothing
about the file.
"""

import errno
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs

from ganeval.errors import ResourceError, UsageError

_Result = TypeVar("_Result")

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+)://", re.ASCII)
_WEB = ("http", "https")

# In these stores an upload appears whole or not at all, so it needs no temporary name. No folder
# is made there, because that would make a missing bucket.
_OBJECT_STORES = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss")

# Values that change when an object changes, by the names that the backends use.
_STATE = ("size", "ETag", "etag", "Last-Modified", "LastModified", "mtime", "generation")

NUM_READERS = 32
"""How many small files are fetched at once."""

# One connection for each reader, and an error sooner than after several waits of a minute.
_FOR_S3 = {
    "max_concurrency": 1,  # within one file; with more, its length would be asked for first
    "config_kwargs": {
        "max_pool_connections": NUM_READERS,
        "connect_timeout": 10,
        "read_timeout": 20,
    },
}
# Files of the web come as they are stored, without compression for the transfer.
_FOR_WEB = {"headers": {"Accept-Encoding": "identity"}}
_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "s3": _FOR_S3,
    "s3a": _FOR_S3,
    "http": _FOR_WEB,
    "https": _FOR_WEB,
}

# Writes are small, such as a shard. Only this limit ends the wait for a server that accepts a
# write request but never reads its body. The backend notices a server that stops sending.
_SECONDS_TO_WRITE = 300

_CREDENTIAL = re.compile(r"signature|token|secret|password|credential|^sig$|^key$", re.IGNORECASE)


def is_remote(location: object) -> bool:
    """Return whether a location is a URL (`s3://bucket/faces`) and not a local path."""
    return isinstance(location, str) and _URL.match(location) is not None


def refuse_offline(location: object, *, offline: bool) -> None:
    """Refuse a remote location in a run that must not open network connections.

    Raises:
        UsageError: The location is remote and the run is offline.
    """
    if offline and is_remote(location):
        raise UsageError(
            f"{location}: on a remote file system, and --offline is given",
            "a local path, offline",
            "leave --offline out, or copy it here",
        )


@dataclass(frozen=True, slots=True)
class RemotePath:
    """A file or folder of a remote file system.

    Every method raises FileNotFoundError if it is not there, and ResourceError on other failures.

    Attributes:
        url: Its name in messages.
        path: Its name in its file system.
        file_system: The fsspec file system.
    """

    url: str
    path: str = field(repr=False)
    file_system: Any = field(repr=False, compare=False)

    @classmethod
    def of(cls, url: str) -> "RemotePath":
        """Return the file or folder at a URL; no connection is opened yet.

        Raises:
            UsageError: The URL holds a credential, or its scheme is unknown.
            ResourceError: The package for its scheme is not installed.
        """
        scheme = _scheme(url)
        _refuse_credentials(url)
        # Listings are never cached, because the files may have changed.
        options = {"use_listings_cache": False, **_OPTIONS.get(scheme, {})}
        try:
            import fsspec.core

            file_system, path = fsspec.core.url_to_fs(url, **options)
        except ImportError as error:
            raise ResourceError(
                f"{url}: {scheme}:// needs a package that is not installed ({error})",
                "the extra 'remote' (s3://, https://), or gcsfs for gs://",
                "pip install 'ganeval[remote]'",
            ) from error
        except ValueError as error:
            raise UsageError(
                f"{url}: cannot be used ({error})",
                "a URL that fsspec knows, such as s3://bucket/folder",
                "check its spelling",
            ) from error
        return cls(url.rstrip("/"), str(path).rstrip("/"), file_system)

    def __truediv__(self, name: str) -> "RemotePath":
        return RemotePath(f"{self.url}/{name}", f"{self.path}/{name}", self.file_system)

    @property
    def lists(self) -> bool:
        """Whether the file system can say what is in a folder; the web cannot."""
        return _scheme(self.url) not in _WEB

    def info(self) -> Mapping[str, Any]:
        """Return the file system's description of it: `size`, `type`, ..."""
        found: Mapping[str, Any] = self._call(self.file_system.info, self.path)
        return found

    def state(self) -> tuple[str, ...]:
        """Return values that differ if the file has changed, as far as its server reports them."""
        info = self.info()
        return tuple(str(info.get(name)) for name in _STATE)

    def sizes(self) -> dict[str, int]:
        """Return the size of every file in the folder and its subfolders, by relative name."""
        found = self._call(self.file_system.find, self.path, detail=True)
        start = len(self.path) + 1
        # The console of a store makes an empty object that ends with a slash for each folder.
        return {
            path[start:]: int(info["size"])
            for path, info in found.items()
            if path[start:] and not path.endswith("/")
        }

    def read(self) -> bytes:
        """Return the whole content."""
        content: bytes = self._call(self.file_system.cat_file, self.path)
        return content

    def read_range(self, start: int, stop: int) -> bytes:
        """Return the bytes from `start` to `stop`, which must be there."""
        part: bytes = self._call(self.file_system.cat_file, self.path, start=start, end=stop)
        if len(part) != stop - start:
            raise ResourceError(
                f"{self.url}: its server sent {len(part):,} bytes where {stop - start:,} were "
                "asked for",
                "a server that sends parts of files (HTTP ranges), and a file that stays the same",
                "copy the file here and name the copy",
            )
        return part

    def download(self, path: Path) -> None:
        """Write the content to a local file."""
        self._call(self.file_system.get_file, self.path, str(path))

    def write(self, content: bytes) -> None:
        """Store a file; no reader ever sees a part of it."""
        if _scheme(self.url) in _OBJECT_STORES:
            limit = {"timeout": _SECONDS_TO_WRITE} if self.file_system.async_impl else {}
            self._call(self.file_system.pipe_file, self.path, content, **limit)
            return
        folder, _, name = self.path.rpartition("/")
        temporary = f"{folder}/.{name}.{uuid.uuid4().hex}.tmp"
        self._call(self.file_system.makedirs, folder, exist_ok=True)
        self._call(self.file_system.pipe_file, temporary, content)
        self._call(self.file_system.mv, temporary, self.path)

    def _call(self, function: Callable[..., _Result], *args: object, **options: object) -> _Result:
        """Call the file system and translate its errors."""
        try:
            return function(*args, **options)
        except FileNotFoundError as error:
            if _is_missing(error):
                raise
            raise self._failure(error.__cause__ or error) from error
        except OSError as error:
            if error.errno == errno.ENOSPC:  # this machine's disk is full
                raise
            raise self._failure(error) from error
        except Exception as error:  # each backend has exceptions of its own
            raise self._failure(error) from error

    def _failure(self, error: BaseException) -> ResourceError:
        """Return the error for a file system that fails."""
        silent = "no answer" if isinstance(error, TimeoutError) else type(error).__name__
        what = str(error).strip() or silent
        return ResourceError(
            f"{self.url}: {what.rstrip('.')}",
            "a file system that can be reached, and the right to use it",
            "check the network, the address and the credentials, and run the same command again",
        )


def _scheme(url: str) -> str:
    """Return the part before `://`, in lower case."""
    return url.partition("://")[0].lower()


def _refuse_credentials(url: str) -> None:
    """Refuse a URL that contains a credential, because reports and logs would keep it."""
    place, _, query = url.partition("?")
    host = place.partition("://")[2].partition("/")[0]
    user, _, shown = host.rpartition("@")
    if ":" in user or any(map(_CREDENTIAL.search, parse_qs(query))):
        raise UsageError(
            f"{_scheme(url)}://{shown}: a credential in the URL, which reports would keep",
            "a URL without user, password, token or signature",
            "put it into the environment or the configuration files of the file system's own tools",
        )


def _is_missing(error: FileNotFoundError) -> bool:
    """Return whether the file is missing; the backend for the web reports every failure so."""
    cause = error.__cause__
    return (
        cause is None
        or type(cause).__module__.startswith("botocore")
        or getattr(cause, "status", None) in (404, 410)
    )
