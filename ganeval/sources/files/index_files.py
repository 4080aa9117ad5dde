"""The files in which the index is kept, one for each location of a source."""

import hashlib
import json
import os
import struct
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import astuple, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import PIL

from ganeval.audio.decode import ClipHeader
from ganeval.images.decode import FORMATS, Header
from ganeval.machine.files import leftover_of

FORMAT = 2
SUFFIX = ".index"
_SECONDS_PER_DAY = 86_400

_ROW = struct.Struct("<24s24s32sii")  # file, state, digest, number of the header or -1, day
_NO_DIGEST = bytes(32)
_DIGEST_SIZE = 32

# The kinds of headers.
_HEADERS: Mapping[str, Callable[..., Any]] = {"picture": Header, "clip": ClipHeader}


@cache
def _reader(kind: str) -> str:
    """Return the library and version that read headers of a kind; others may read other values."""
    if kind == "picture":
        return f"Pillow {PIL.__version__} {' '.join(FORMATS)}"
    return f"soundfile {version('soundfile')}"


class Facts(NamedTuple):
    """What reading a file has shown; None for what was not read.

    Attributes:
        digest: SHA-256 of its bytes, 32 bytes.
        header: Its header, hashable. The medium decides whether the file can be used.
    """

    digest: bytes | None = None
    header: Any = None


class Row(NamedTuple):
    """What is known of a file.

    Attributes:
        state: The state in which it was read; 24 bytes.
        facts: What was read.
        day: The last day on which a run has asked for it, counted from 1970.
    """

    state: bytes
    facts: Facts
    day: int


def joined(fact: Facts, other: Facts) -> Facts:
    """Return what two readings of the same content have shown; the first takes precedence."""
    return Facts(fact.digest or other.digest, fact.header or other.header)


def read_rows(path: Path) -> dict[bytes, Row]:
    """Return the rows of a file of the index: none if it is missing or of another version.

    Raises:
        ValueError: It is damaged or cannot be read.
    """
    try:
        return _from_bytes(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, LookupError, TypeError, struct.error) as error:
        reason = error.strerror if isinstance(error, OSError) else "damaged"
        raise ValueError(f"{path}: an index of files that cannot be used ({reason})") from error


def to_bytes(rows: Mapping[bytes, Row]) -> bytes:
    """Return rows as a file: the SHA-256 of the rest, a line of JSON, the rows."""
    numbers: dict[Any, int] = {None: -1}
    packed = b"".join(
        _ROW.pack(
            file,
            row.state,
            row.facts.digest or _NO_DIGEST,
            numbers.setdefault(row.facts.header, len(numbers) - 1),
            row.day,
        )
        for file, row in rows.items()
    )
    headers = [
        (kind, *astuple(header))
        for header in numbers
        for kind, of_kind in _HEADERS.items()
        if type(header) is of_kind
    ]
    readers = {kind: _reader(kind) for kind in dict.fromkeys(kind for kind, *_ in headers)}
    card = {"format": FORMAT, "readers": readers, "headers": headers}
    body = json.dumps(card).encode() + b"\n" + packed
    return hashlib.sha256(body).digest() + body


def _from_bytes(content: bytes) -> dict[bytes, Row]:
    """Return the rows in a file, without headers that another version of a library has read.

    Raises:
        ValueError: Its digest does not match its content.
    """
    body = content[_DIGEST_SIZE:]
    if hashlib.sha256(body).digest() != content[:_DIGEST_SIZE]:
        raise ValueError("another digest")
    line, _, packed = body.partition(b"\n")
    card = json.loads(line)
    if card["format"] != FORMAT:
        return {}
    same = {kind for kind, reader in card["readers"].items() if reader == _reader(kind)}
    headers = [
        _HEADERS[kind](*values) if kind in same else None for kind, *values in card["headers"]
    ]
    headers.append(None)  # number -1
    return {
        file: Row(state, Facts(None if digest == _NO_DIGEST else digest, headers[number]), day)
        for file, state, digest, number, day in _ROW.iter_unpack(packed)
    }


@dataclass(frozen=True, slots=True)
class IndexSize:
    """Number of files of an index, and their size in bytes."""

    num_files: int
    num_bytes: int


def measure(folder: Path) -> IndexSize:
    """Return the size of the index in `folder`, which need not exist."""
    return _total(_files(folder))


def prune(folder: Path, *, older_than_days: float) -> IndexSize:
    """Remove files that no run has used for so many days, including those of killed runs."""
    limit = time.time() - older_than_days * _SECONDS_PER_DAY
    old = {path: state for path, state in _files(folder).items() if state.st_mtime < limit}
    for path in old:
        path.unlink(missing_ok=True)
    return _total(old)


def _files(folder: Path) -> dict[Path, os.stat_result]:
    """Return the files of the index, including those that killed runs left."""
    found = {}
    for path in folder.iterdir() if folder.is_dir() else ():
        if (leftover_of(path.name) or path.name).endswith(SUFFIX):
            with suppress(FileNotFoundError):  # another process has removed it
                found[path] = path.stat()
    return found


def _total(files: Mapping[Path, os.stat_result]) -> IndexSize:
    """Return the size of files; what killed runs left does not count."""
    sizes = [state.st_size for path, state in files.items() if path.suffix == SUFFIX]
    return IndexSize(len(sizes), sum(sizes))
