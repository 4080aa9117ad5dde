"""Stored statistics of a source: mean and covariance in an `.npz` that every FID tool can read."""

import hashlib
import json
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ganeval.errors import InputError
from ganeval.features import parts as stored_parts
from ganeval.features.derived import Arrays, Derivation, Rows, key_of
from ganeval.features.moments import Moments
from ganeval.machine.files import write_by
from ganeval.machine.json_text import parse_json
from ganeval.machine.remote import is_remote
from ganeval.machine.remote_file import open_file
from ganeval.machine.resources import DEFAULT, Resources

MEAN_KEYS = ("mu", "mean", "m")
COVARIANCE_KEYS = ("sigma", "cov", "s")
COUNT_KEYS = ("num", "num_images", "n", "N")
_CARD_KEY = "ganeval"
_ASYMMETRY = 1e-8  # relative; rounding in the tools that write such files stays below
_LARGEST = 1e30  # no features are so large; error estimates take its fourth power in float64
_NEGATIVE_EIGENVALUE = -1e-6  # relative to the largest entry
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    ValueError,
    NotImplementedError,
    # An array's header is a Python literal.
    SyntaxError,
    tokenize.TokenError,
    TypeError,
    RecursionError,
)


@dataclass(frozen=True, kw_only=True)  # no slots, because of the cached properties
class Stats:
    """What a statistics file holds; a summary for the metrics that need only moments.

    Attributes:
        path: The file, or its URL.
        num: Number of items, or None if the file does not say.
        card: What ganeval recorded about making the file; None in files of other tools.
        pool: Moments of the layer "pool", the only one that is ever stored.
        quarters: Moments of four random parts of the items; None in files of other tools or of
            older versions, and for fewer than 8 items.
    """

    path: Path | str
    num: int | None
    card: Mapping[str, Any] | None
    pool: Moments
    quarters: tuple[Moments, ...] | None = None
    labels: ClassVar[None] = None
    clusters: ClassVar[None] = None

    @property
    def noun(self) -> str:
        """Plural noun of the items: "images", "clips", "pairs"."""
        return str((self.card or {}).get("noun", "images"))

    @property
    def item(self) -> str:
        """What one item is: "picture", "clip", "pair of pictures"."""
        return str((self.card or {}).get("item", "picture"))

    @property
    def content(self) -> str | None:
        """Digest of the items, whatever their order; None if the file has none."""
        content = (self.card or {}).get("content")
        return content if isinstance(content, str) else None

    @cached_property
    def digest(self) -> str:
        """Hex SHA-256 of mean and covariance; different statistics have different digests."""
        moments = self.pool
        content = hashlib.sha256(moments.mean.tobytes())
        content.update(np.ascontiguousarray(moments.covariance()).tobytes())
        return content.hexdigest()

    @property
    def width(self) -> int:
        """Number of features."""
        return len(self.pool.mean)

    def moments(self) -> Moments:
        """Return the moments."""
        return self.pool

    def parts(self) -> tuple[Moments, ...] | None:
        """Return the moments of four random parts, if they are stored."""
        return self.quarters

    def rows(self) -> None:
        """Return None, because no rows are stored."""

    def blocks(self) -> Iterator[Rows]:
        """Yield nothing."""
        yield from ()

    @cached_property
    def key(self) -> str:
        """Hex digest of all that a score can depend on: the moments, their number, the parts."""
        return key_of({"moments": self.digest, "num": self.num, "parts": self.quarters})

    @property
    def resources(self) -> Resources:
        """The default, because metrics need little memory for statistics alone."""
        return DEFAULT

    def derived(self, derivation: Derivation) -> Arrays:
        """Return what the derivation computes; nothing is cached for a statistics file."""
        return derivation(self)


def save_stats(
    path: Path, moments: Moments, card: Mapping[str, Any], parts: Iterable[Moments] | None = None
) -> None:
    """Write `mu`, `sigma` (divided by num - 1), `num`, the card and the moments of the parts.

    Args:
        path: The file.
        moments: Moments of all items.
        card: What to record about making the file, JSON values.
        parts: The moments of four random parts, taken one at a time; None for fewer than 8 items.

    Raises:
        ResourceError: The disk is full; nothing is left under the name.
    """
    packed = {} if parts is None else stored_parts.pack(parts, len(moments.mean))
    arrays = {
        "mu": moments.mean,
        "sigma": moments.covariance(ddof=1),
        "num": np.array(moments.num, np.int64),
        _CARD_KEY: np.array(json.dumps(card, sort_keys=True)),
        **packed,
    }
    num_bytes = sum(array.nbytes for array in arrays.values())
    write_by(path, lambda file: np.savez(file, allow_pickle=False, **arrays), num_bytes)


def is_stats(path: Path | str) -> bool:
    """Return whether a local or remote file is a zip that contains mean and covariance.

    Raises:
        ResourceError: A remote file system fails.
    """
    try:
        if not _is_regular(path):
            return False
        with open_file(path) as file, zipfile.ZipFile(file) as archive:
            names = {Path(name).stem for name in archive.namelist() if name.endswith(".npy")}
    except (*_DAMAGE, OSError):
        return False
    return not names.isdisjoint(MEAN_KEYS) and not names.isdisjoint(COVARIANCE_KEYS)


def load_stats(path: Path | str) -> Stats:
    """Read a statistics file of ganeval or of any tool that writes `mu` and `sigma`.

    Raises:
        InputError: The file is damaged, holds Python objects, lacks an array, or its arrays are not
            a mean and a covariance.
        ResourceError: A remote file system fails.
    """
    arrays = _read_arrays(path)
    mean = _pick(path, arrays, MEAN_KEYS, "mean")
    covariance = _pick(path, arrays, COVARIANCE_KEYS, "covariance")
    _check(path, mean, covariance)
    covariance = (covariance + covariance.T) / 2
    num, card = _count(path, arrays), _card(path, arrays)
    # Only the covariance is used, so any count will do; 2 makes it equal to the scatter.
    degrees = max(num or 2, 2) - 1
    pool = Moments(degrees + 1, mean, covariance * degrees)
    try:
        quarters = stored_parts.unpack(arrays, num, pool)
    except ValueError as error:
        raise _damaged(path, error) from error
    return Stats(path=path, num=num, card=card, pool=pool, quarters=quarters)


def _is_regular(path: Path | str) -> bool:
    """Return whether a file can be opened; opening a pipe would wait forever."""
    return is_remote(path) or Path(path).is_file()


def _count(path: Path | str, arrays: Mapping[str, npt.NDArray[Any]]) -> int | None:
    """Return the number of items, if the file says it."""
    for key in COUNT_KEYS:
        if key in arrays and arrays[key].size == 1:
            count = arrays[key].item()
            whole = isinstance(count, int) or (isinstance(count, float) and count.is_integer())
            if not whole or count < 1:
                raise InputError(
                    f"{path}: {key} is {count!r}",
                    "a number of items",
                    "make the file again with `ganeval stats make`",
                )
            return int(count)
    return None


def _card(path: Path | str, arrays: Mapping[str, npt.NDArray[Any]]) -> Mapping[str, Any] | None:
    """Return what ganeval recorded about making the file; None in files of other tools."""
    if _CARD_KEY not in arrays:
        return None
    try:
        card = parse_json(str(arrays[_CARD_KEY]))
    except ValueError as error:
        raise _damaged(path, error) from error
    if not isinstance(card, dict):
        raise _damaged(path, ValueError(f"'{_CARD_KEY}' is not a record"))
    if not isinstance(card.get("settings", {}), dict):  # the only part that is looked into
        raise _damaged(path, ValueError(f"'settings' of '{_CARD_KEY}' is not a record"))
    return card


def _read_arrays(path: Path | str) -> dict[str, npt.NDArray[Any]]:
    """Return the small arrays of an `.npz`; images in the same file stay unread."""
    if not _is_regular(path):
        raise InputError(
            f"{path}: {'not a regular file' if Path(path).exists() else 'no such file'}",
            "an .npz with mu and sigma",
            "check the name",
        )
    wanted = (*MEAN_KEYS, *COVARIANCE_KEYS, *COUNT_KEYS, _CARD_KEY, *stored_parts.KEYS)
    try:
        with open_file(path) as file:  # np.load leaves a damaged file open
            beginning = file.read(6)
            if not beginning.startswith(
                (b"PK", b"\x93NUMPY", b"\x80")
            ):  # numpy would say: a pickle
                raise ValueError("another kind of file")
            file.seek(0)
            archive = np.load(file, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise ValueError("a single array")
            return {key: archive[key] for key in archive.files if key in wanted}
    except (*_DAMAGE, OSError) as error:
        if "pickle" not in str(error).lower():
            raise _damaged(path, error) from error
        raise InputError(
            f"{path}: contains Python objects, which can run code when loaded",
            "plain arrays mu and sigma",
            "ask for the file without pickling, or make it again with `ganeval stats make`",
        ) from error


def _damaged(path: Path | str, error: Exception) -> InputError:
    """Return the error for a file that is not a whole `.npz`."""
    return InputError(
        f"{path}: truncated or damaged ({error or type(error).__name__})",
        "an .npz with mu and sigma",
        "copy it again or make it again with `ganeval stats make`",
    )


def _pick(
    path: Path | str, arrays: Mapping[str, npt.NDArray[Any]], keys: tuple[str, ...], what: str
) -> npt.NDArray[Any]:
    """Return the first array that has one of the names `keys`, in float64."""
    for key in keys:
        if key in arrays:
            if arrays[key].dtype.kind not in "fiu":
                raise InputError(
                    f"{path}: {key} is of type {arrays[key].dtype}",
                    "real numbers",
                    "make the file again with `ganeval stats make`",
                )
            return arrays[key].astype(np.float64)
    raise InputError(
        f"{path}: no {what} among {', '.join(arrays) or 'its arrays'}",
        f"an array called {' or '.join(keys)}",
        "rename it, or make the file with `ganeval stats make`",
    )


def _check(
    path: Path | str, mean: npt.NDArray[np.float64], covariance: npt.NDArray[np.float64]
) -> None:
    """Refuse arrays that are not a mean and a covariance."""
    if mean.ndim != 1 or not mean.size or covariance.shape != (len(mean), len(mean)):
        raise InputError(
            f"{path}: mean of shape {mean.shape}, covariance of shape {covariance.shape}",
            "shapes [d] and [d, d]",
            "make the file again with `ganeval stats make`",
        )
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        raise InputError(
            f"{path}: contains NaN or Infinity",
            "finite statistics",
            "make the file again with `ganeval stats make`",
        )
    largest = max(float(np.abs(mean).max()), float(np.abs(covariance).max()))
    if largest > _LARGEST:
        raise InputError(
            f"{path}: contains values up to {largest:.3g}",
            f"statistics of features, below {_LARGEST:g}",
            "make the file again with `ganeval stats make`",
        )
    scale = float(np.abs(covariance).max()) or 1.0
    asymmetry = float(np.abs(covariance - covariance.T).max()) / scale
    smallest = float(np.linalg.eigvalsh((covariance + covariance.T) / 2)[0]) / scale
    if asymmetry > _ASYMMETRY or smallest < _NEGATIVE_EIGENVALUE:
        raise InputError(
            f"{path}: no covariance (relative asymmetry {asymmetry:.1e}, smallest eigenvalue "
            f"{smallest * scale:.3g})",
            "a symmetric matrix without negative eigenvalues",
            "make the file again with `ganeval stats make`",
        )
