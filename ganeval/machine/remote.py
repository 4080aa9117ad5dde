"""Files on remote file systems, through fsspec: s3://, gs://, https:// and others.

Whatever a backend raises becomes one of two things here: `FileNotFoundError`, as for a local file,
or a `ResourceError`, since all else (no network, no right, an expired credential) says nothing of
the file.
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

# Where an upload is seen whole or not at all, so that it needs no temporary name, and where a
# folder needs no making: to make one would make a bucket that is missing.
_OBJECT_STORES = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss")

# What else tells one state of an object from another, by the names that the backends use.
_STATE = ("size", "ETag", "etag", "Last-Modified", "LastModified", "mtime", "generation")

NUM_READERS = 32
"""How many small files are fetched at once."""

# As many connections as that, and no minute of silence, several times over, before an error.
_FOR_S3 = {
    "max_concurrency": 1,  # within one file: it takes a question of its length first
    "config_kwargs": {
        "max_pool_connections": NUM_READERS,
        "connect_timeout": 10,
        "read_timeout": 20,
    },
}
# The web's files as they are stored.
_FOR_WEB = {"headers": {"Accept-Encoding": "identity"}}
_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "s3": _FOR_S3,
    "s3a": _FOR_S3,
    "http": _FOR_WEB,
    "https": _FOR_WEB,
}

# What is written is a shard or the like. Nothing else ends the wait for a server that takes a
# request to write and never asks for its body; one that stops sending is noticed by its backend.
_SECONDS_TO_WRITE = 300

_CREDENTIAL = re.compile(r"signature|token|secret|password|credential|^sig$|^key$", re.IGNORECASE)


def is_remote(location: object) -> bool:
    """Tell whether a location is a URL (`s3://bucket/faces`) and not a path of this machine."""
    return isinstance(location, str) and _URL.match(location) is not None


def refuse_offline(location: object, *, offline: bool) -> None:
    """Refuse a remote location in a run that opens no network connection.

    Raises:
        UsageError: It is one, and the run is such.
    """
    if offline and is_remote(location):
        raise UsageError(
            f"{location}: on a remote file system, and --offline is given",
            "a path of this machine, offline",
            "leave --offline out, or copy it here",
        )


@dataclass(frozen=True, slots=True)
class RemotePath:
    """A file or folder of a remote file system.

    Every method raises FileNotFoundError if it is not there, and ResourceError for all else.

    Attributes:
        url: As messages call it.
        path: As its file system calls it.
        file_system: The fsspec file system.
    """

    url: str
    path: str = field(repr=False)
    file_system: Any = field(repr=False, compare=False)

    @classmethod
    def of(cls, url: str) -> "RemotePath":
        """Return what stands behind a URL; no connection is opened yet.

        Raises:
            UsageError: The URL holds a credential, or its scheme is unknown.
            ResourceError: The package for its scheme is not installed.
        """
        scheme = _scheme(url)
        _refuse_credentials(url)
        # Every instance lists afresh: what was there a moment ago may have changed.
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
        """Return what the file system says of it: `size`, `type`, ..."""
        found: Mapping[str, Any] = self._call(self.file_system.info, self.path)
        return found

    def state(self) -> tuple[str, ...]:
        """Return what differs when the file is another one now, as far as its server tells."""
        info = self.info()
        return tuple(str(info.get(name)) for name in _STATE)

    def sizes(self) -> dict[str, int]:
        """Return the size of every file in the folder and in all within it, by relative name."""
        found = self._call(self.file_system.find, self.path, detail=True)
        start = len(self.path) + 1
        # A store's console leaves an empty object with a slash at its end for a folder.
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
        """Call the file system and translate what it raises."""
        try:
            return function(*args, **options)
        except FileNotFoundError as error:
            if _is_missing(error):
                raise
            raise self._failure(error.__cause__ or error) from error
        except OSError as error:
            if error.errno == errno.ENOSPC:  # of this machine's disk
                raise
            raise self._failure(error) from error
        except Exception as error:  # each backend has exceptions of its own
            raise self._failure(error) from error

    def _failure(self, error: BaseException) -> ResourceError:
        """Return the error for a file system that does not do what it is asked to."""
        silent = "no answer" if isinstance(error, TimeoutError) else type(error).__name__
        what = str(error).strip() or silent
        return ResourceError(
            f"{self.url}: {what.rstrip('.')}",
            "a file system that can be reached, and the right to use it",
            "check the network, the address and the credentials, and run the same command again",
        )


def _scheme(url: str) -> str:
    """Return what stands before `://`, in lower case."""
    return url.partition("://")[0].lower()


def _refuse_credentials(url: str) -> None:
    """Refuse a URL with a password or a signature in it: reports and logs would keep it."""
    place, _, query = url.partition("?")
    host = place.partition("://")[2].partition("/")[0]
    user, _, shown = host.rpartition("@")
    if ":" in user or any(map(_CREDENTIAL.search, parse_qs(query))):
        raise UsageError(
            f"{_scheme(url)}://{shown}: a credential in the URL, which reports would keep",
            "a URL without user, password, token or signature",
            "give it where the file system's own tools look (environment, configuration files)",
        )


def _is_missing(error: FileNotFoundError) -> bool:
    """Tell whether a file is not there; the web's backend says so of every failure."""
    cause = error.__cause__
    return (
        cause is None
        or type(cause).__module__.startswith("botocore")
        or getattr(cause, "status", None) in (404, 410)
    )
