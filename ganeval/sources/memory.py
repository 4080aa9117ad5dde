"""Images that a program already has: tensors, arrays and PyTorch data sets."""

import hashlib
import io
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import torch
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    default_collate,
    default_convert,
)

from ganeval.errors import InputError, UsageError
from ganeval.images.decode import decode
from ganeval.images.image import DecodePolicy, Image
from ganeval.images.quantise import check_range, quantise
from ganeval.images.seen import Seen
from ganeval.sources.arrays import (
    SHAPES,
    Pixels,
    ReadySource,
    array_digest,
    array_source,
    check_extent,
    not_uint8,
    to_image,
    wrong_shape,
)
from ganeval.sources.base import SourceInfo
from ganeval.sources.encoded import policy_settings
from ganeval.sources.fit import Fit
from ganeval.sources.items import Reader
from ganeval.sources.paths import unreadable

ValueRange = tuple[float, float]

_BLOCK = 1024  # images that are rounded at once, to bound the memory that takes
_IMAGES = (PIL.Image.Image, torch.Tensor, np.ndarray)
_PNG_MODES = ("1", "LA", "I", "I;16", "P", "RGBA")


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Images with what their values do not say: the range of floats, a name for the report.

    >>> import torch
    >>> images = Images(torch.rand(5, 3, 16, 16), value_range=(0, 1), name="noise")

    Attributes:
        data: A tensor or array, [N, 3, H, W], [N, H, W, 3] or the same with 1 channel, or a data
            set with a length; uint8, or floating point if there is a `value_range`.
        value_range: The (low, high) of floats that become 0 and 255, as `quantise` rounds.
        name: How messages and the report call the source.
    """

    data: Any
    value_range: ValueRange | None = None
    name: str | None = None


def images_source(
    images: Images,
    *,
    policy: DecodePolicy,
    kind: str = "memory",
    location: str | None = None,
    fit: Fit | None = None,
) -> ReadySource:
    """Return tensors, arrays and data sets as a source.

    A file of arrays says its `kind`, `location` and `fit`. Floats are checked and rounded here, all
    of them; uint8 values are read when items are.

    Raises:
        InputError: Another type, shape or range.
        UsageError: A range that is empty, or declared for uint8.
    """
    data, value_range = images.data, images.value_range
    if value_range is not None and not value_range[0] < value_range[1]:
        raise UsageError(f"value_range {value_range}", "low < high", "change it")
    if isinstance(data, list | tuple) and all(isinstance(one, _IMAGES) for one in data):
        data = _Listed(data)
    if isinstance(data, DataLoader):
        data = _dataset_behind(data)
    if isinstance(data, Dataset):
        is_list = isinstance(data, _Listed)
        name = images.name or ("list" if is_list else type(data).__name__)
        return dataset_source(
            data, kind="dataset", name=name, policy=policy, value_range=value_range
        )
    name = images.name or ("tensor" if isinstance(data, torch.Tensor) else "array")
    if not isinstance(data, torch.Tensor | np.ndarray):
        raise InputError(
            f"{name}: {type(data).__name__} in ganeval.Images",
            "a tensor, array, list of images, data set or DataLoader",
            "convert it",
        )
    floats = None if value_range is None else Seen(value_range)
    pixels = _bytes_of(data, floats, name=name)
    return array_source(
        pixels, kind=kind, location=location or name, name=name, fit=fit or Fit(), seen=floats
    )


class _Listed(Dataset[Any]):
    """A list of images as a data set."""

    def __init__(self, images: Sequence[Any]) -> None:
        self._images = images

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Any:
        return (self._images[index],)


def _dataset_behind(loader: DataLoader[Any]) -> Dataset[Any]:
    """Return the data set of a loader that gives each of its items once, in whichever order.

    Raises:
        InputError: The loader draws or changes items, and so is no list of images.
    """
    sampler = loader.sampler
    plain = type(sampler) is SequentialSampler or (
        type(sampler) is RandomSampler
        and not sampler.replacement
        and sampler.num_samples == len(sampler.data_source)
    )
    if isinstance(loader.dataset, IterableDataset):
        return loader.dataset  # whose error says what is wrong with it
    if not plain or type(loader.batch_sampler) not in (BatchSampler, type(None)):
        raise InputError(
            f"DataLoader: a {type(sampler).__name__} chooses among its items",
            "each item once",
            "give the data set itself (loader.dataset), or write its images to a folder",
        )
    if loader.collate_fn not in (default_collate, default_convert):
        raise InputError(
            "DataLoader: a collate_fn of its own makes the batches",
            "items that are the images",
            "give the data set itself (loader.dataset) if its items are",
        )
    return loader.dataset


def dataset_source(
    dataset: Dataset[Any],
    *,
    kind: str,
    name: str,
    policy: DecodePolicy,
    location: str | None = None,
    fit: Fit | None = None,
    value_range: ValueRange | None = None,
) -> ReadySource:
    """Return a data set with a length as a source.

    Its items are pictures of Pillow, tensors [C, H, W] or arrays [H, W, C] with 1 or 3 channels, or
    a tuple, list or mapping whose first element, or whose `"image"`, is one. Asked twice, it must
    give the same: random augmentation has no place in an evaluation.

    Raises:
        InputError: It has no length, or no items.
    """
    count = _num_items(dataset, name)
    lock = threading.Lock()  # data sets are not made to be read by several threads
    seen = Seen(value_range)

    def read(index: int) -> Pixels | bytes:
        item_name = f"{name}[{index}]"
        try:
            with lock:
                return _content_of(dataset[index], seen, name=item_name)
        except OSError as error:  # a missing or damaged file behind it
            raise unreadable(item_name, error) from error

    chosen = fit or Fit()

    def image_of(content: Pixels | bytes, item_name: str) -> Image:
        if isinstance(content, bytes):
            return chosen(decode(content, name=item_name, policy=policy))
        return chosen(to_image(content))

    return ReadySource(
        info=SourceInfo(
            kind=kind,
            location=location or name,
            count=count,
            settings=policy_settings(policy) | chosen.settings(),
            seen=seen,
        ),
        reader=Reader(
            name=lambda index: f"{name}[{index}]",
            read=read,
            num_bytes=lambda content: memoryview(content).nbytes,
            digest=_digest,
            decode=image_of,
        ),
    )


def _num_items(dataset: Dataset[Any], name: str) -> int:
    """Return the length of a data set, or refuse it."""
    if isinstance(dataset, IterableDataset):
        raise InputError(
            f"{name}: an IterableDataset, which has no length and cannot be read again",
            "a data set with __len__ and __getitem__",
            "write its images to a folder or an npz file",
        )
    if not hasattr(dataset, "__len__"):
        raise InputError(f"{name}: a data set without a length", "__len__", "add it to the class")
    count = len(dataset)
    if count == 0:
        raise InputError(f"{name}: no images (the data set is empty)", "at least one", "add some")
    return count


def _digest(content: Pixels | bytes) -> bytes:
    """Return the digest of pixels, or of an encoded picture."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).digest()
    return array_digest(content)


def _content_of(item: Any, seen: Seen, *, name: str) -> Pixels | bytes:
    """Return the picture in an item of a data set: pixels [C, H, W], or encoded without loss."""
    if isinstance(item, tuple | list) and item:
        item = item[0]
    elif isinstance(item, Mapping) and "image" in item:
        item = item["image"]
    if isinstance(item, PIL.Image.Image):
        if item.mode not in ("L", "RGB") or "transparency" in item.info:
            return _encode(item)
        item = np.asarray(item)
    if isinstance(item, np.ndarray) and item.ndim == 3:
        item = item.transpose(2, 0, 1)
    if not isinstance(item, torch.Tensor | np.ndarray):
        raise InputError(
            f"{name}: {type(item).__name__}",
            "a Pillow image, a tensor [3, H, W] or an array [H, W, 3]",
            "return the image first",
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


def _encode(picture: PIL.Image.Image) -> bytes:
    """Return a picture that is not plain grey or RGB as a file, for the decoder's rules."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG" if picture.mode in _PNG_MODES else "TIFF")
    return buffer.getvalue()


def _bytes_of(data: torch.Tensor | npt.NDArray[Any], seen: Seen | None, *, name: str) -> Pixels:
    """Return uint8 values as they are, floats [N, ...] rounded from their declared range.

    What values there are goes into `seen`, which has the range; those of bytes only for one item of
    a data set, since whole arrays are read when their items are.
    """
    value_range = None if seen is None else seen.declared
    is_uint8 = data.dtype in (torch.uint8, np.uint8)
    if not is_uint8 and (value_range is None or not _is_floating(data)):
        raise not_uint8(name, str(data.dtype))
    if is_uint8 and value_range is not None:
        raise UsageError(
            f"{name}: value_range is declared, but the values are uint8",
            "floats with a range, or uint8 without",
            "leave out value_range",
        )
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
    )
    assert seen is not None
    seen.add(data)
    result = np.empty(tuple(data.shape), np.uint8)
    for start in range(0, len(data), _BLOCK):
        block = quantise(data[start : start + _BLOCK], value_range=value_range)
        result[start : start + _BLOCK] = block.cpu().numpy()
    return result


def _is_floating(data: torch.Tensor | npt.NDArray[Any]) -> bool:
    """Return whether the values are floating point."""
    if isinstance(data, torch.Tensor):
        return data.is_floating_point()
    return np.issubdtype(data.dtype, np.floating)
