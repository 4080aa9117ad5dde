"""Pictures of a source, decoded once into a file of bytes that all runs map.

Prepared pictures have their own folder in the cache, `prepared/KEY/`. KEY is a digest of the
source's content and of the way its pictures are decoded. The folder holds:

* `pixels.npy`: uint8 [N, C, H, W], in the source's order;
* `labels.npy`: int64 [N], if the pictures have classes;
* `parts.jsonl`: one line for each part of 256 pictures on the disk, with its SHA-256;
* `card.json`: a description, with a digest once the pictures are complete.
"""

import errno
import hashlib
import json
import logging
import os
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import filelock
import numpy as np
import numpy.typing as npt
import PIL

import ganeval
from reference_models.data.contents import BLOCK, PART, contents_of, json_digest
from reference_models.data.fitted import Fitted, is_grey, to_channels
from reference_models.data.mapped import MappedPixels, Pixels, write_header
from reference_models.data.news import News
from reference_models.engine.whole import written_whole

logger = logging.getLogger("ganeval.training.data")

FORMAT = 1
CARD, PIXELS, LABELS, PARTS = "card.json", "pixels.npy", "labels.npy", "parts.jsonl"


class NoRoomError(ganeval.GanevalError):
    """The disk cannot hold the prepared pictures."""

    exit_code: ClassVar[int] = 4


class _ColourFoundError(Exception):
    """A picture has colour, and all earlier ones were grey."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Prepared:
    """Prepared pictures.

    Attributes:
        pixels: uint8 [N, C, H, W].
        labels: int64 [N], the classes; None if there are none.
        classes: Names of the classes.
        digest: Hex SHA-256 of pixels and labels, independent of the source.
    """

    pixels: MappedPixels
    labels: npt.NDArray[np.int64] | None
    classes: tuple[str, ...]
    digest: str


def prepare(fitted: Fitted, *, channels: int | None, folder: Path) -> Prepared:
    """Return the pictures of a source, decoded now or in an earlier run.

    If several processes need the same pictures, one of them decodes, and the others wait. A killed
    process leaves complete parts, and the next process continues after them. Only a few pictures
    are in memory at a time.

    Args:
        fitted: The source, with the size of its pictures.
        channels: 1 converts to grey with the weights of ITU-R 601-2 (Pillow's "L"); 3 is RGB. None
            gives one channel if all pictures are grey, and RGB otherwise.
        folder: The folder of all prepared pictures.

    Raises:
        GanevalError: A picture cannot be used, has another size than the first one, or changed
            during the preparation; or the disk is full.
    """
    contents = contents_of(fitted)
    key = json_digest(
        {
            "format": FORMAT,
            "contents": contents,
            "settings": dict(fitted.source.info.settings),
            "shape": fitted.shape,
            "channels": channels,
            "classes": None if fitted.classes is None else list(fitted.classes.names),
            "labels": None if fitted.classes is None else _sha256(fitted.classes.labels),
            "pillow": PIL.__version__,  # Pillow decodes and resizes
        }
    )[:32]
    own = folder / key
    with _refusals_named(own):
        own.mkdir(parents=True, exist_ok=True)
        with _alone(folder / f"{key}.lock", fitted.text):
            found = _opened(own)
            if found is None:
                _make(fitted, own, contents, channels)
                found = _opened(own)
            assert found is not None
            (own / CARD).touch()  # the time of the last use, for `ganeval cache prune`
    return found


def _make(fitted: Fitted, folder: Path, contents: list[str], channels: int | None) -> None:
    """Decode the pictures; without a number of channels, as grey until one has colour."""
    card = _read_card(folder) or {"shape": None}
    if channels is None and card["shape"] != [len(fitted.source), 3, *fitted.shape]:
        with suppress(_ColourFoundError):
            _Preparation(fitted, folder, contents, 1, is_grey_sure=False).run()
            return
    _Preparation(fitted, folder, contents, channels or 3).run()


class _Preparation:
    """The decoding of one source into its folder."""

    def __init__(
        self,
        fitted: Fitted,
        folder: Path,
        contents: list[str],
        channels: int,
        *,
        is_grey_sure: bool = True,
    ) -> None:
        """Take the source and folder; if grey is only a guess, colour raises _ColourFoundError."""
        self._fitted, self._folder, self._contents = fitted, folder, contents
        self._refuses_colour = not is_grey_sure
        self._count = len(fitted.source)
        self._shape = (self._count, channels, *fitted.shape)
        self._each = channels * int(np.prod(fitted.shape))
        self._pool = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="decode")

    def run(self) -> None:
        """Decode the pictures that are not on the disk yet."""
        records = self._resumed()
        if records is None:
            self._begin()
            records = []
        elif records:
            done = len(records) * PART
            logger.info(
                f"{self._fitted.text}: continues after {done:,} of {self._count:,} pictures"
            )
        path = self._folder / PIXELS
        start = path.stat().st_size - self._count * self._each
        news = News(self._fitted.text, self._count, done=len(records) * PART)
        with (
            self._pool,
            path.open("r+b") as pixels,
            (self._folder / PARTS).open("a", encoding="ascii") as parts,
        ):
            for number in range(len(records), -(-self._count // PART)):
                first = number * PART
                pixels.seek(start + first * self._each)
                sha256 = hashlib.sha256()
                for block in self._blocks(number):
                    content = block.tobytes()
                    sha256.update(content)
                    pixels.write(content)
                pixels.flush()
                os.fsync(pixels.fileno())
                records.append(sha256.hexdigest())
                parts.write(f"{json.dumps(records[-1])}\n")  # only after the pixels are on the disk
                parts.flush()
                os.fsync(parts.fileno())
                news.tell(min(first + PART, self._count))
        self._finish(records)

    def _blocks(self, number: int) -> Iterator[Pixels]:
        """Yield the pictures of a part, uint8 [B, C, H, W]."""
        seen = hashlib.sha256()
        first, stop = number * PART, min((number + 1) * PART, self._count)
        for start in range(first, stop, BLOCK):
            items = self._fitted.source.load(range(start, min(start + BLOCK, stop)))
            seen.update(b"".join(item.digest for item in items))
            yield np.stack(list(self._pool.map(self._picture, items)))
        if number < len(self._contents) - 1 and seen.hexdigest() != self._contents[1 + number]:
            raise ganeval.GanevalError(
                f"{self._fitted.text}: pictures {first} to {stop - 1} changed while they were "
                "prepared",
                "a source that does not change while it is prepared",
                "run again when no other program writes there",
            )

    def _picture(self, item: Any) -> Pixels:
        """Return one picture, uint8 [C, H, W]."""
        pixels = self._fitted.picture(item)
        if self._refuses_colour and not is_grey(pixels):
            raise _ColourFoundError
        return to_channels(pixels, self._shape[1])

    def _begin(self) -> None:
        """Create the file, reserve its space on the disk, and write its card."""
        _clear(self._folder)
        path = self._folder / PIXELS
        path.touch()
        num_bytes = write_header(path, self._shape) + self._count * self._each
        _reserve(path, num_bytes, self._fitted.text)
        classes = self._fitted.classes
        if classes is not None:
            with written_whole(self._folder / LABELS) as file:
                np.save(file, classes.labels)
        self._write_card({})

    def _resumed(self) -> list[str] | None:
        """Return the digests of the parts that are on the disk; None if nothing is usable.

        Recorded parts are read again, because a power failure may have lost them.
        """
        card = _read_card(self._folder)
        if card is None or card.get("shape") != list(self._shape) or "digest" in card:
            return None
        try:
            pixels = MappedPixels(self._folder / PIXELS)
            lines = (self._folder / PARTS).read_text(encoding="ascii").splitlines(keepends=True)
        except (ValueError, OSError):
            return None
        records: list[str] = []
        for line in lines:
            first = len(records) * PART
            there = _sha256_of_part(pixels, first)
            if line != f"{json.dumps(there)}\n":
                break
            records.append(there)
        with written_whole(self._folder / PARTS) as file:  # without incomplete lines
            file.write("".join(f"{json.dumps(record)}\n" for record in records).encode())
        return records

    def _finish(self, records: list[str]) -> None:
        """Mark the pictures as complete."""
        classes = self._fitted.classes
        labels = None if classes is None else _sha256(classes.labels)
        digest = json_digest({"shape": self._shape, "parts": records, "labels": labels})
        changed = (self._folder / PIXELS).stat().st_mtime_ns
        self._write_card({"digest": digest, "changed": changed})

    def _write_card(self, more: dict[str, Any]) -> None:
        """Write the card."""
        classes = self._fitted.classes
        card = {
            "format": FORMAT,
            "source": self._fitted.text,
            "count": self._count,
            "shape": list(self._shape),
            "classes": [] if classes is None else list(classes.names),
            "ganeval": ganeval.__version__,
            "pillow": PIL.__version__,
            **more,
        }
        with written_whole(self._folder / CARD) as file:
            file.write(f"{json.dumps(card, indent=1)}\n".encode())


def _opened(folder: Path) -> Prepared | None:
    """Return the pictures in a folder; None if they are incomplete, or damaged (with a warning)."""
    card = _read_card(folder)
    if card is None or "digest" not in card:
        return None
    try:
        pixels = MappedPixels(folder / PIXELS)
        if list(pixels.shape) != card["shape"]:
            raise ValueError("its shape does not match its card")
        labels = np.load(folder / LABELS) if card["classes"] else None
        if (folder / PIXELS).stat().st_mtime_ns != card["changed"]:
            parts = [_sha256_of_part(pixels, at) for at in range(0, len(pixels), PART)]
            sums = None if labels is None else _sha256(labels)
            if (
                json_digest({"shape": card["shape"], "parts": parts, "labels": sums})
                != card["digest"]
            ):
                raise ValueError("its digest does not match its card")
        classes = tuple(card["classes"])
        return Prepared(pixels=pixels, labels=labels, classes=classes, digest=card["digest"])
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        logger.warning("%s: damaged (%s), so its pictures are prepared again", folder, error)
        _clear(folder)
        return None


def _read_card(folder: Path) -> dict[str, Any] | None:
    """Return the card in a folder; None if there is none of this format."""
    try:
        card = json.loads((folder / CARD).read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        logger.warning("%s: damaged, so the pictures are prepared again", folder / CARD)
        return None
    return card if isinstance(card, dict) and card.get("format") == FORMAT else None


def _clear(folder: Path) -> None:
    """Remove the files in a folder; processes that have them open can still read them."""
    for name in (CARD, PARTS, LABELS, PIXELS):
        (folder / name).unlink(missing_ok=True)


def _sha256_of_part(pixels: MappedPixels, first: int) -> str:
    """Return the SHA-256 of the part that begins with picture `first`."""
    sha256 = hashlib.sha256()
    for start in range(first, min(first + PART, len(pixels)), BLOCK):
        sha256.update(pixels[slice(start, min(start + BLOCK, first + PART))].tobytes())
    return sha256.hexdigest()


def _reserve(path: Path, num_bytes: int, text: str) -> None:
    """Give a file its length and reserve its space on the disk.

    Raises:
        NoRoomError: There is not enough space.
    """
    try:
        free = shutil.disk_usage(path.parent).free
        if free < num_bytes:
            raise OSError(errno.ENOSPC, "too little space")
        with path.open("r+b") as file:
            if sys.platform == "linux":
                os.posix_fallocate(file.fileno(), 0, num_bytes)
            else:
                file.truncate(num_bytes)
    except OSError as error:
        path.unlink(missing_ok=True)
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        free = shutil.disk_usage(path.parent).free
        raise NoRoomError(
            f"{path.parent.parent}: no room for the pictures of {text}, {free:,} bytes free",
            f"{num_bytes:,} bytes",
            "free some space (`ganeval cache prune`), choose another folder (--cache-dir), or "
            "train on smaller pictures (--set image_size)",
        ) from error


@contextmanager
def _alone(path: Path, text: str) -> Iterator[None]:
    """Let one process at a time into the block."""
    lock = filelock.FileLock(path)
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        logger.info("%s: another process is preparing it; waiting", text)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _refusals_named(folder: Path) -> Iterator[None]:
    """Turn permanent errors of the file system into an error that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise ganeval.GanevalError(
            f"{error.filename or folder}: prepared pictures cannot be kept here ({error.strerror})",
            "a folder with write access",
            "choose another folder with --cache-dir",
        ) from error


def _sha256(labels: npt.NDArray[np.int64]) -> str:
    """Return the hex SHA-256 of numbers."""
    return hashlib.sha256(labels.astype("<i8").tobytes()).hexdigest()
