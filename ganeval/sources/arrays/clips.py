"""Clips in memory: arrays and tensors with a rate, `Clip` objects, lists of files."""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ganeval.audio.clip import Clip
from ganeval.audio.fit import ClipFit
from ganeval.audio.samples import check_rate, checked_clip, to_float
from ganeval.errors import InputError, UsageError
from ganeval.sources.arrays.pixels import Labelled, ReadySource, no_labels
from ganeval.sources.base import SourceInfo
from ganeval.sources.files.sounds import Sounds
from ganeval.sources.items import Reader
from ganeval.sources.labels import array_labels
from ganeval.sources.paths import unreadable

_SHAPES = "[n, samples] or [n, channels, samples]"
_MOST_CHANNELS = 64

Stored = bytes | Clip
"""What is kept of an item: a file's bytes, or samples with their rate, not yet checked."""


@dataclass(frozen=True, slots=True, eq=False)
class Clips:
    """Clips of sound with their sampling rate, a name for the report, and labels.

    >>> import numpy as np
    >>> noise = np.random.default_rng(0).uniform(-1, 1, (5, 8000)).astype(np.float32)
    >>> clips = Clips(noise, rate=16_000, name="noise")

    Attributes:
        data: An array or tensor [n, samples] or [n, channels, samples]; or a list of clips: each a
            `Clip`, an array or tensor [samples] or [channels, samples], or a path to a file of
            sound. Samples are floats from -1 to 1, or integers of 8 to 32 bits.
        rate: Sampling rate; None if each clip has its own (a `Clip` or a file).
        name: Name of the source in messages and the report.
        labels: The class of each clip, in the same order; see `Images`.
    """

    data: Any
    rate: int | None = None
    name: str | None = None
    labels: Any = None


def clips_source(
    clips: Clips,
    *,
    kind: str = "memory",
    location: str | None = None,
    labelled: Labelled = no_labels,
    start: int = 0,
) -> ReadySource:
    """Return clips in memory as a source; messages number the clips from `start`.

    Raises:
        InputError: The type or shape is wrong, there are no clips, or the labels do not fit.
        UsageError: A rate is missing, or given for clips that have their own.
    """
    data, name = clips.data, clips.name or "clips"
    is_list = isinstance(data, list | tuple)
    if not is_list:
        data = _rows_of(data, name)
    count = len(data)
    if count == 0:
        raise InputError(f"{name}: no clips", "at least one", "add some")
    _check_rate(clips.rate, data if is_list else [data], name)
    files = Sounds(ClipFit())

    def name_of(index: int) -> str:
        return f"{name}[{start + index}]"

    def read(index: int) -> Stored:
        return _stored(data[index], clips.rate, name_of(index))

    def decode(stored: Stored, item_name: str) -> Clip:
        if isinstance(stored, bytes):
            return files.decode(stored, item_name)
        return checked_clip(stored.samples, stored.rate, name=item_name)

    labels = None
    if clips.labels is not None:
        labels = array_labels(clips.labels, num=count, name=name)
    return ReadySource(
        info=SourceInfo(
            kind=kind,
            location=location or name,
            count=count,
            content="clip",
            noun="clips",
            found=_found(data, clips.rate),
        ),
        reader=Reader(name=name_of, read=read, num_bytes=_num_bytes, digest=_digest, decode=decode),
        labelled=labelled if labels is None else lambda: labels,
    )


def _check_rate(rate: int | None, data: Sequence[Any], name: str) -> None:
    """Refuse samples without a rate, and a rate for clips that have their own."""
    own = all(isinstance(one, Clip | str | os.PathLike) for one in data)
    if own and rate is not None:
        raise UsageError(
            f"{name}: rate={rate} is given, but each clip has its own",
            "a rate only for arrays",
            "leave it out",
        )
    if not own and rate is None:
        raise UsageError(
            f"{name}: samples without their rate",
            "the number of samples per second",
            "give it: ganeval.Clips(data, rate=16000), or `,rate=16000` after the file",
        )
    if rate is not None:
        check_rate(rate, name=name)


def _found(data: Any, rate: int | None) -> dict[str, object]:
    """Return the rates and lengths of clips; empty if some are files, which are read later."""
    if not isinstance(data, list | tuple):
        assert rate is not None
        seconds = data.shape[-1] / rate
        return {"native_rates": {str(rate): len(data)}, "native_seconds": [seconds, seconds]}
    rates: list[Any] = [getattr(one, "rate", rate) for one in data]
    shapes: list[tuple[int, ...]] = [
        getattr(getattr(one, "samples", one), "shape", ()) for one in data
    ]
    if not all(isinstance(one, int) and one > 0 for one in rates) or not all(shapes):
        return {}
    lengths = [shape[-1] / one for shape, one in zip(shapes, rates, strict=True)]
    return {
        "native_rates": {str(one): num for one, num in sorted(Counter(rates).items())},
        "native_seconds": [min(lengths), max(lengths)],
    }


def _rows_of(data: Any, name: str) -> Any:
    """Return an array or tensor that has a clip at each index, or refuse it."""
    shape = tuple(getattr(data, "shape", ()))
    if not shape:
        raise InputError(
            f"{name}: a {type(data).__name__}",
            f"an array or tensor {_SHAPES}, or a list of clips, arrays or paths",
            "convert it to one of these",
        )
    if len(shape) not in (2, 3):
        raise InputError(f"{name}: shape {list(shape)}", f"shape {_SHAPES}", "add or drop an axis")
    if shape[0] and _shape_of_first(data) != shape[1:]:  # pandas indexes by columns
        raise InputError(
            f"{name}: a {type(data).__name__} whose [0] is not its first row",
            "an array or tensor",
            "convert it, for example with `data.to_numpy()`",
        )
    return data


def _shape_of_first(data: Any) -> tuple[int, ...]:
    """Return the shape of `data[0]`; empty if there is none."""
    try:
        return tuple(data[0].shape)
    except (KeyError, IndexError, AttributeError):
        return ()


def _stored(one: Any, rate: int | None, name: str) -> Stored:
    """Return the bytes of a file, or a copy of a clip's samples.

    Raises:
        InputError: It is not a clip, or cannot be read.
    """
    if isinstance(one, str | os.PathLike):
        try:
            return Path(one).read_bytes()
        except OSError as error:
            raise unreadable(f"{name} ({os.fspath(one)})", error) from error
    if isinstance(one, Clip):
        return Clip(_samples_of(one.samples, name), one.rate)
    assert rate is not None
    return Clip(_samples_of(one, name), rate)


def _samples_of(values: Any, name: str) -> npt.NDArray[np.float32]:
    """Return samples as float32 [channels, samples], a copy."""
    try:
        if hasattr(values, "detach"):  # a tensor; torch is not imported for other values
            values = values.detach().cpu()
            values = (values.float() if values.is_floating_point() else values).numpy()
        array = np.asarray(values)
    except (TypeError, ValueError, NotImplementedError, RuntimeError) as error:
        raise InputError(
            f"{name}: cannot be converted to an array ({type(error).__name__})",
            "an array, or a dense tensor with its data",
            "convert it, for example with `tensor.to_dense()`",
        ) from error
    if np.ma.is_masked(values):
        raise InputError(
            f"{name}: masked samples", "samples without a mask", "fill them, or leave the clip out"
        )
    if array.ndim == 1:
        array = array[None]
    if array.ndim != 2:
        raise InputError(
            f"{name}: shape {list(array.shape)}", "[samples] or [channels, samples]", "reshape it"
        )
    if len(array) > _MOST_CHANNELS and len(array) > array.shape[1]:
        raise InputError(
            f"{name}: {len(array):,} channels of {array.shape[1]} samples",
            "the channels before the samples, as [channels, samples]",
            "transpose it",
        )
    return np.array(to_float(array, name=name), order="C", copy=True)


def _num_bytes(stored: Stored) -> int:
    """Return how much memory an item takes."""
    return len(stored) if isinstance(stored, bytes) else stored.samples.nbytes


def _digest(stored: Stored) -> bytes:
    """Return the digest of an item."""
    return hashlib.sha256(stored).digest() if isinstance(stored, bytes) else clip_digest(stored)


def clip_digest(clip: Clip) -> bytes:
    """Return the digest of samples and their rate."""
    shape: Sequence[int] = clip.samples.shape
    text = f"clip {clip.rate} " + ",".join(map(str, shape)) + "\n"
    return hashlib.sha256(text.encode() + clip.samples.astype("<f4").tobytes()).digest()
