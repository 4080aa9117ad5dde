"""Images in memory: tensors, arrays and PyTorch data sets."""

import contextlib
import hashlib
import io
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import torch
from torch.utils.data import DataLoader, Dataset

from ganeval.errors import InputError, UsageError
from ganeval.generators.terms import ValueRange
from ganeval.images.decode import decode, read_header
from ganeval.images.picture import DecodePolicy, Picture
from ganeval.images.quantise import check_range, quantise
from ganeval.images.seen import Seen
from ganeval.sources.arrays.dataset_labels import ListedImages, dataset_labels, dataset_names
from ganeval.sources.arrays.loader import dataset_behind, num_items
from ganeval.sources.arrays.pixels import (
    SHAPES,
    Labelled,
    Pixels,
    ReadySource,
    array_digest,
    array_source,
    check_extent,
    no_labels,
    not_uint8,
    to_picture,
    wrong_shape,
)
from ganeval.sources.base import SourceInfo
from ganeval.sources.files.pictures import policy_settings
from ganeval.sources.fit import Fit
from ganeval.sources.items import Reader
from ganeval.sources.labels import array_labels
from ganeval.sources.paths import unreadable

_BLOCK = 1024  # images rounded at once, to limit memory
_READ_TWICE = 16  # items; flips with even odds go unnoticed in one of 65,536 data sets
_IMAGES = (PIL.Image.Image, torch.Tensor, np.ndarray)
_PNG_MODES = ("1", "LA", "I", "I;16", "P", "RGBA")


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Images with the range of their values, a name for the report, and labels.

    >>> import torch
    >>> images = Images(torch.rand(5, 3, 16, 16), value_range=(0, 1), name="noise")

    Attributes:
        data: A tensor or array, [N, 3, H, W], [N, H, W, 3] or the same with 1 channel, a data set
            with a length, a DataLoader that gives each of its items once, or a list of images or of
            paths to pictures. Values are uint8, or floats if there is a `value_range`.
        value_range: The floats (low, high) that become 0 and 255; see `quantise`.
        name: Name of the source in messages and the report.
        labels: The class of each image, in the same order: integers of at least 0 or texts (a list,
            array or tensor [N]), or rows [N, C] of zeros with a single 1. None: a data set's own
            labels (`targets` or `labels`), if it has any.
    """

    data: Any
    value_range: ValueRange | None = None
    name: str | None = None
    labels: Any = None


def images_source(
    images: Images,
    *,
    policy: DecodePolicy,
    kind: str = "memory",
    location: str | None = None,
    fit: Fit | None = None,
    start: int | None = None,
    labelled: Labelled = no_labels,
) -> ReadySource:
    """Return tensors, arrays and data sets as a source.

    A file of arrays gives `kind`, `location`, `fit` and `labelled`. A batch of a stream gives
    `start`, the number of its first image. All floats are checked and rounded here; uint8 values
    are read when items are loaded.

    Raises:
        InputError: The type, shape or range is wrong, or the labels do not fit.
        UsageError: The range is empty, or declared for uint8.
    """
    data, value_range = images.data, images.value_range
    if value_range is not None and not value_range[0] < value_range[1]:
        raise UsageError(f"value_range {value_range}", "low < high", "change it")
    if isinstance(data, list | tuple):
        paths = all(isinstance(one, str | os.PathLike) for one in data)
        if paths or all(isinstance(one, _IMAGES) for one in data):
            data = ListedImages(data)
    if isinstance(data, DataLoader):
        data = dataset_behind(data)
    if isinstance(data, Dataset):
        is_list = isinstance(data, ListedImages)
        name = images.name or ("list" if is_list else type(data).__name__)
        source = dataset_source(
            data, kind="dataset", name=name, policy=policy, value_range=value_range, start=start
        )
    elif isinstance(data, torch.Tensor | np.ndarray):
        name = images.name or ("tensor" if isinstance(data, torch.Tensor) else "array")
        floats = None if value_range is None else Seen(value_range)
        source = array_source(
            _bytes_of(data, floats, name=name, start=start),
            kind=kind,
            location=location or name,
            name=name,
            fit=fit or Fit(),
            seen=floats,
            labelled=labelled,
        )
    else:
        raise InputError(
            f"{images.name or 'array'}: {_described(data)}",
            "a tensor, array, data set or DataLoader, or a list of Pillow images, of tensors "
            "[3, H, W], of arrays [H, W, 3] or of paths to pictures",
            "convert it to one of these",
        )
    if images.labels is None:
        return source
    labels = array_labels(images.labels, num=len(source), name=name)
    return replace(source, labelled=lambda: labels)


def _described(data: Any) -> str:
    """Return a description of something that holds no images."""
    if isinstance(data, list | tuple) and data:
        types = sorted({type(one).__name__ for one in data})
        return f"a {type(data).__name__} of {' and '.join(types)}"
    return f"a {type(data).__name__}"


def dataset_source(
    dataset: Dataset[Any],
    *,
    kind: str,
    name: str,
    policy: DecodePolicy,
    location: str | None = None,
    fit: Fit | None = None,
    value_range: ValueRange | None = None,
    start: int | None = None,
) -> ReadySource:
    """Return a data set with a length as a source.

    Its items are Pillow images, paths to pictures, tensors [C, H, W] or arrays [H, W, C] with 1 or
    3 channels. An item may also be a tuple or list with one of these as its first element, or a
    mapping with one as its `"image"`. An item must be the same each time it is read: random
    augmentation has no place in an evaluation. To check this, the first items are read twice.

    Raises:
        InputError: It has no length, or no items.
    """
    count = num_items(dataset, name)
    lock = threading.Lock()  # data sets are not made to be read by several threads
    seen = Seen(value_range)
    known: set[int] = set()  # the items that were read before

    def name_of(index: int) -> str:
        return f"{name}[{(start or 0) + index}]"

    def read(index: int) -> Pixels | bytes:
        item_name = name_of(index)
        try:
            with lock:
                if index in known:
                    return _content_of(dataset[index], Seen(value_range), name=item_name)
                content = _content_of(dataset[index], seen, name=item_name)
                if len(known) < _READ_TWICE:
                    again = _content_of(dataset[index], Seen(value_range), name=item_name)
                    if _digest(again) != _digest(content):
                        raise _changing(item_name)
                known.add(index)
        except OSError as error:  # a missing or damaged file behind it
            where = f"{item_name} ({error.filename})" if error.filename else item_name
            raise unreadable(where, error) from error
        if isinstance(content, bytes):
            with contextlib.suppress(InputError):  # decoding says what is wrong with it
                header = read_header(content, name=item_name, policy=policy)
                seen.sizes[header.width, header.height] += 1
        else:
            seen.sizes[content.shape[2], content.shape[1]] += 1
        return content

    chosen = fit or Fit()

    def picture_of(content: Pixels | bytes, item_name: str) -> Picture:
        if isinstance(content, bytes):
            return chosen(decode(content, name=item_name, policy=policy))
        return chosen(to_picture(content))

    return ReadySource(
        info=SourceInfo(
            kind=kind,
            location=location or name,
            count=count,
            settings=policy_settings(policy) | chosen.settings(),
            seen=seen,
        ),
        reader=Reader(
            name=name_of,
            read=read,
            num_bytes=lambda content: memoryview(content).nbytes,
            digest=_digest,
            decode=picture_of,
        ),
        labelled=partial(dataset_labels, dataset, num=count, name=name),
        named=partial(dataset_names, dataset, num=count),
    )


def _changing(name: str) -> InputError:
    """Return the error for an item that changes when it is read again."""
    return InputError(
        f"{name}: a different image when it is read again",
        "a data set whose items stay the same",
        "leave out its random transforms (flips, crops, noise), or write its images to a folder "
        "and score that",
    )


def _digest(content: Pixels | bytes) -> bytes:
    """Return the digest of pixels, or of an encoded picture."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).digest()
    return array_digest(content)


def _content_of(item: Any, seen: Seen, *, name: str) -> Pixels | bytes:
    """Return the picture in an item of a data set: pixels [C, H, W], or an encoded file."""
    if isinstance(item, tuple | list) and item:
        item = item[0]
    elif isinstance(item, Mapping) and "image" in item:
        item = item["image"]
    if isinstance(item, os.PathLike | PIL.Image.Image):
        if seen.declared is not None:
            raise _range_of_bytes(name, "it is a picture")
        item = _as_stored(item)
        if isinstance(item, bytes):
            return item
    if isinstance(item, np.ndarray) and item.ndim == 3:
        item = item.transpose(2, 0, 1)
    if not isinstance(item, torch.Tensor | np.ndarray):
        raise InputError(
            f"{name}: {type(item).__name__}",
            "a Pillow image, a path, a tensor [3, H, W] or an array [H, W, 3]",
            "return the image as the first element",
        )
    pixels = _bytes_of(item[None], seen, name=name)[0]
    if pixels.ndim == 2:
        pixels = pixels[None]
    if pixels.ndim != 3 or len(pixels) not in (1, 3):
        raise InputError(
            f"{name}: shape {list(item.shape)} (channels first)",
            "tensors [3, H, W] or arrays [H, W, 3], or 1 channel",
            "transpose or convert it",
        )
    check_extent(pixels, name=name)
    return np.array(pixels, order="C", copy=True)


def _as_stored(picture: os.PathLike[str] | PIL.Image.Image) -> bytes | npt.NDArray[np.uint8]:
    """Return a plain picture as uint8 [H, W(, 3)], any other as a file for the decoder."""
    if isinstance(picture, os.PathLike):
        return Path(picture).read_bytes()
    if picture.mode in ("L", "RGB") and "transparency" not in picture.info:
        return np.asarray(picture)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG" if picture.mode in _PNG_MODES else "TIFF")
    return buffer.getvalue()


def _bytes_of(
    data: torch.Tensor | npt.NDArray[Any],
    seen: Seen | None,
    *,
    name: str,
    start: int | None = None,
) -> Pixels:
    """Return uint8 values as they are, floats [N, ...] rounded from their declared range.

    The values are recorded in `seen`, which has the range. uint8 values are recorded here only for
    an item of a data set; whole arrays are read when their items are loaded.
    """
    value_range = None if seen is None else seen.declared
    is_uint8 = data.dtype in (torch.uint8, np.uint8)
    if not is_uint8 and (value_range is None or not _is_floating(data)):
        raise not_uint8(name, str(data.dtype))
    if is_uint8 and value_range is not None:
        raise _range_of_bytes(name, "the values are uint8")
    if data.ndim not in (3, 4):
        raise wrong_shape(name, tuple(data.shape), f"shape {SHAPES}")
    if value_range is None or len(data) == 0:
        tensor_or_array = data.detach().cpu().numpy() if isinstance(data, torch.Tensor) else data
        if seen is not None and len(data):
            seen.add(tensor_or_array)
        return tensor_or_array.astype(np.uint8, copy=False)
    if not isinstance(data, torch.Tensor):
        data = torch.from_numpy(np.require(data, requirements=("C", "W")))
    data = data.detach()
    check_range(
        data,
        value_range,
        name=name,
        remedy="clip them if the code that shows or saves them does (images.clamp(low, high)), or "
        "declare the values that stand for black and white",
        start=start,
    )
    assert seen is not None
    result = np.empty(tuple(data.shape), np.uint8)
    for first in range(0, len(data), _BLOCK):
        block = data[first : first + _BLOCK]
        seen.add(block)
        result[first : first + _BLOCK] = quantise(block, value_range=value_range).cpu().numpy()
    return result


def _range_of_bytes(name: str, found: str) -> UsageError:
    """Return the error for a range of uint8 values or pictures."""
    return UsageError(
        f"{name}: value_range is declared, but {found}",
        "floats with a range, or uint8 and pictures without",
        "leave out value_range",
    )


def _is_floating(data: torch.Tensor | npt.NDArray[Any]) -> bool:
    """Return whether the values are floating point."""
    if isinstance(data, torch.Tensor):
        return data.is_floating_point()
    return np.issubdtype(data.dtype, np.floating)
