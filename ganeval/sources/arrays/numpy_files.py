"""`.npy` and `.npz` files of images or clips; nothing in them is ever unpickled."""

import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from ganeval.errors import InputError
from ganeval.images.picture import DecodePolicy
from ganeval.machine.remote_file import local_copy
from ganeval.sources.arrays.array_options import ArrayOptions
from ganeval.sources.arrays.named_arrays import (
    ArrayType,
    choose_array,
    choose_clips,
    choose_labels,
    conversion,
)
from ganeval.sources.arrays.pixels import ReadySource
from ganeval.sources.paths import check_regular_file, damaged, unreadable

_LOCAL_HEADER_BYTES = 30  # of a zip member, before its name and extra field

_LABELS = ("labels", "arr_1")  # the second as ADM writes them
_RATES = ("rate", "sample_rate", "sr")  # a number beside clips of sound

_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError)


@dataclass(frozen=True, slots=True)
class Npy(ArrayOptions):
    """Read the images of a NumPy array file, or its clips if `rate` is given."""

    location: str

    def open(
        self, policy: DecodePolicy, *, offline: bool = False, written: str | None = None
    ) -> ReadySource:
        """Map the array into memory; floats are read and rounded.

        Args:
            policy: `float_range` applies to floats whose range the options do not give.
            offline: Makes no difference here.
            written: The user's name for the source, if not `location`.

        Raises:
            InputError: It is not an npy file, is damaged, or holds something else.
        """
        check_regular_file(self.location)
        images = _map_npy(self.location)
        return self.source(images, "npy", self.location, written=written, policy=policy)


@dataclass(frozen=True, slots=True)
class Npz(ArrayOptions):
    """Read the images or clips of a NumPy archive: its only such array, or the one under `key`.

    They are clips if the archive has a number `rate`, `sample_rate` or `sr`, or if the option
    `rate` is given.

    Their labels are the array `labels` or `arr_1` (as ADM writes them), or the one that the option
    `labels` names.
    """

    location: str
    key: str | None = field(default=None, kw_only=True)
    labels: str | None = field(default=None, kw_only=True)

    def open(
        self, policy: DecodePolicy, *, offline: bool = False, written: str | None = None
    ) -> ReadySource:
        """Map the array into memory, or read it if it is compressed; see `Npy.open`."""
        check_regular_file(self.location)
        try:
            with local_copy(self.location) as path, zipfile.ZipFile(path) as archive:
                headers = _headers_of(archive, self.location)
                arrays = {
                    key: ArrayType(header.shape, str(header.dtype))
                    for key, header in headers.items()
                }
                rate = self._rate(archive, headers, path)
                choose = choose_array if rate is None else choose_clips
                key = choose(arrays, self.key, kind="npz", location=self.location)
                images = _read_member(archive, key, headers[key], path)
                chosen = choose_labels(arrays, self.labels, usual=_LABELS, location=self.location)
                labels = chosen and _read_member(archive, chosen, headers[chosen], path)
        except _DAMAGE as error:
            raise damaged(self.location, "npz file", error) from error
        except OSError as error:
            raise unreadable(self.location, error) from error
        if rate is not None:
            return self.clips(images, "npz", self.location, rate, written=written, labels=labels)
        return self.source(
            images, "npz", self.location, written=written, policy=policy, labels=labels
        )

    def _rate(
        self, archive: zipfile.ZipFile, headers: Mapping[str, "_Header"], path: Path
    ) -> int | None:
        """Return the rate of clips from the options or the file; None if it holds no clips.

        Raises:
            InputError: The two differ.
        """
        key = next((one for one in _RATES if one in headers and not headers[one].shape), None)
        if key is None:
            return self.rate
        rate = int(_read_member(archive, key, headers[key], path))
        if self.rate not in (None, rate):
            raise InputError(
                f"{self.location}: {rate:,} samples a second by its own `{key}`, but rate="
                f"{self.rate} is given",
                "the same rate in both",
                "leave `rate` out",
            )
        return rate


@dataclass(frozen=True, slots=True)
class _Header:
    """The header of an array: shape, dtype, order, and where its values begin."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    offset: int

    @property
    def num_bytes(self) -> int:
        """Length of header and values together."""
        count = 1
        for extent in self.shape:  # Python's integers do not overflow
            count *= extent
        return self.offset + count * self.dtype.itemsize


# What parsing a damaged header raises: it is a Python literal of at most 10,000 characters.
_BAD_LITERAL = (SyntaxError, tokenize.TokenError, TypeError, RecursionError, MemoryError)


def _read_header(stream: IO[bytes], name: str, *, alone: bool = False) -> _Header:
    """Read the header of an array, `alone` in its file; ValueError if there is none."""
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"array format {version}")
    first = version == (1, 0)
    parse = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
    try:
        shape, fortran, dtype = parse(stream)
    except _BAD_LITERAL as error:
        raise ValueError("the array's header makes no sense") from error
    if any(type(extent) is not int or extent < 0 for extent in shape):  # True is one to numpy
        raise ValueError(f"shape {shape}")
    if dtype.hasobject:
        remedy = "save it again as uint8"
        if alone:
            command = conversion(name, "numpy.load(a,allow_pickle=True).item()", ("mu", "sigma"))
            remedy += f"; if you trust its author and it holds statistics, run `{command}`"
        raise InputError(f"{name}: contains Python objects (code)", "an array of numbers", remedy)
    return _Header(shape, dtype, fortran, stream.tell())


def _map(path: Path, header: _Header, start: int) -> npt.NDArray[Any]:
    """Map the values of an array that begins at byte `start` of a file."""
    if 0 in header.shape:  # an empty array cannot be mapped
        return np.empty(header.shape, header.dtype)
    order: Any = "F" if header.fortran else "C"
    return np.memmap(
        path, header.dtype, "r", offset=start + header.offset, shape=header.shape, order=order
    )


def _map_npy(location: str) -> npt.NDArray[Any]:
    """Return the array of a `.npy` file, memory-mapped."""
    try:
        with local_copy(location) as path:
            with path.open("rb") as file:
                header = _read_header(file, location, alone=True)
            if path.stat().st_size < header.num_bytes:
                raise EOFError(f"{header.num_bytes:,} bytes expected")
            return _map(path, header, 0)
    except _DAMAGE as error:
        raise damaged(location, "npy file", error) from error
    except OSError as error:
        raise unreadable(location, error) from error


def _headers_of(archive: zipfile.ZipFile, location: str) -> dict[str, _Header]:
    """Return the header of every array in an archive, by key."""
    headers = {}
    for member in archive.infolist():
        if member.filename.endswith(".npy"):
            key = member.filename.removesuffix(".npy")
            with archive.open(member) as stream:
                headers[key] = _read_header(stream, f"{location}:{key}")
            if headers[key].num_bytes != member.file_size:
                raise EOFError(f"{key}: {headers[key].num_bytes:,} bytes expected")
    return headers


def _read_member(
    archive: zipfile.ZipFile, key: str, header: _Header, path: Path
) -> npt.NDArray[Any]:
    """Return an array: memory-mapped if it is stored without compression, else read once."""
    member = archive.getinfo(key + ".npy")
    if member.compress_type == zipfile.ZIP_STORED:
        with path.open("rb") as file:
            file.seek(member.header_offset)
            local = file.read(_LOCAL_HEADER_BYTES)
        # The lengths of name and extra field, which may differ from those in the directory.
        variable = int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")
        return _map(path, header, member.header_offset + _LOCAL_HEADER_BYTES + variable)
    with archive.open(member) as stream:
        array: npt.NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    return array
