"""The remote level of a cache: the files of a store, on a file system that machines share."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ganeval.errors import CacheError, ResourceError
from ganeval.machine.remote import RemotePath

log = logging.getLogger(__name__)

_MARK = "ganeval-cache"

_Result = TypeVar("_Result")


class SharedFiles:
    """The files of a store under a URL, by their names relative to the store's folder.

    A file appears whole or not at all, and files of the same name have the same bytes. So any
    number of machines may write at once. Every failure except a missing file ends the run. If the
    run went on with the local level alone, nobody would notice, and other machines would not find
    its results.
    """

    def __init__(self, root: RemotePath) -> None:
        """Check that files can be stored there, before any work is done.

        Raises:
            CacheError: They cannot: no network, no such bucket, no right to write.
        """
        self._root = root
        self.store(_MARK, b"A cache of ganeval: features under the digests of what made them.\n")

    def url(self, name: str) -> str:
        """Return the file's name in messages."""
        return (self._root / name).url

    def fetch(self, name: str) -> bytes | None:
        """Return the content of a file, or None if it is not there.

        Raises:
            CacheError: The file system fails.
        """
        return self._unless_missing((self._root / name).read)

    def store(self, name: str, content: bytes) -> None:
        """Store a file.

        Raises:
            CacheError: The file system fails.
        """
        try:
            (self._root / name).write(content)
        except FileNotFoundError as error:
            raise CacheError(
                f"{self.url(name)}: {error}",
                "a bucket or folder that exists",
                "make it, or correct --cache-dir or GANEVAL_CACHE",
            ) from error
        except ResourceError as error:
            raise _unusable(error) from error

    def complete(self, name: str, path: Path) -> None:
        """Store the file at `path`, unless a file of its length is already there.

        Raises:
            CacheError: The file system fails.
        """
        info = self._unless_missing((self._root / name).info)
        content = path.read_bytes()
        if info is not None and info.get("size") == len(content):
            return
        if info is not None:
            log.warning("%s: %s bytes long; storing it again", self.url(name), info.get("size"))
        self.store(name, content)

    def _unless_missing(self, ask: Callable[[], _Result]) -> _Result | None:
        """Return what the file system answers, or None if the file is not there."""
        try:
            return ask()
        except FileNotFoundError:
            return None
        except ResourceError as error:
            raise _unusable(error) from error


def _unusable(error: ResourceError) -> CacheError:
    """Turn an error of a file system into an error of the cache on it."""
    return CacheError(
        error.found,
        "a cache that can be reached and written to",
        "check the network, the address and the credentials; what is stored is kept",
    )
