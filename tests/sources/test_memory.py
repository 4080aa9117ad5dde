"""Tensors, arrays and data sets that a program has in memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
import torch
import torchvision
from torch.utils.data import Dataset, IterableDataset, TensorDataset

from ganeval.errors import InputError, UsageError
from ganeval.images.picture import DecodePolicy
from ganeval.sources.arrays.memory import Images
from ganeval.sources.base import Source
from ganeval.sources.open import open_source

Array = npt.NDArray[np.uint8]


class ListDataset(Dataset[Any]):
    """A data set of whatever is in a list."""

    def __init__(self, *items: Any) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]


def open_thing(thing: Any, **policy: Any) -> Source:
    return open_source(thing, policy=DecodePolicy(**policy))


def first_pixels(source: Source) -> Array:
    """Return uint8 [H, W, 3]."""
    return source.load([0])[0].picture().pixels.transpose(1, 2, 0)


def test_grey_tensor(images: Array) -> None:
    source = open_thing(torch.from_numpy(images[:, None, ..., 0].copy()))
    image = source.load([6])[0].picture()
    np.testing.assert_array_equal(image.pixels, np.stack([images[6, ..., 0]] * 3))
    assert image.notes == ("grey to RGB",)


def test_the_memory_order_of_a_tensor_does_not_matter(images: Array) -> None:
    tensor = torch.from_numpy(images).permute(0, 3, 1, 2)
    plain, strided = open_thing(tensor.contiguous()), open_thing(tensor)
    assert plain.load([3])[0].digest == strided.load([3])[0].digest


def test_an_item_is_not_touched_by_later_changes(images: Array) -> None:
    tensor = torch.from_numpy(images.copy())
    (item,) = open_thing(tensor).load([0])
    tensor.zero_()
    np.testing.assert_array_equal(item.picture().pixels.transpose(1, 2, 0), images[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.int64, torch.bool])
def test_refuses_tensors_that_are_not_bytes(images: Array, dtype: torch.dtype) -> None:
    with pytest.raises(InputError, match=r"tensor: values of type .*ganeval\.Images\(data, value"):
        open_thing(torch.from_numpy(images).to(dtype))


def test_refuses_four_channels_and_an_unclear_layout() -> None:
    with pytest.raises(InputError, match=r"tensor: shape \[2, 4, 9, 9\]; needed: 1 or 3 channels"):
        open_thing(torch.zeros(2, 4, 9, 9, dtype=torch.uint8))
    with pytest.raises(InputError, match="so that the layout is clear"):
        open_thing(np.zeros((3, 3, 3, 3), np.uint8))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("value_range", [(-1.0, 1.0), (0.0, 1.0), (0, 255)])
def test_floats_round_trip_from_their_declared_range(
    dtype: torch.dtype, value_range: tuple[float, float]
) -> None:
    """Every grey value survives; 16-bit types hold it only within half a step."""
    low, high = value_range
    values = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16).repeat(3, axis=1)
    floats = torch.from_numpy(values).double() * ((high - low) / 255) + low
    floats = floats.to(dtype).requires_grad_()
    source = open_thing(Images(floats, value_range=value_range, name="batch"))
    assert source.info.location == "batch"
    error = first_pixels(source).astype(int) - values[0].transpose(1, 2, 0)
    coarse = dtype is torch.bfloat16 or (dtype is torch.float16 and value_range == (-1.0, 1.0))
    assert np.abs(error).max() <= coarse


def test_float_arrays_that_may_not_be_written(images: Array) -> None:
    floats = (images / 255).astype(np.float32)[:, ::-1]
    floats.flags.writeable = False
    source = open_thing(Images(floats, value_range=(0, 1)))
    np.testing.assert_array_equal(first_pixels(source), images[0, ::-1])


def test_floats_are_checked_at_once() -> None:
    floats = torch.zeros(1500, 3, 8, 8)
    floats[1200, 0, 0, 0] = 2
    with pytest.raises(InputError, match=r"batch\[1200\]: values observed from 0 to 2"):
        open_thing(Images(floats, value_range=(0, 1), name="batch"))
    floats[1300, 1, 2, 3] = float("nan")
    with pytest.raises(InputError, match=r"array\[1300\]: NaN"):
        open_thing(Images(floats.numpy(), value_range=(0, 1)))


def test_rejects_ranges_that_make_no_sense(images: Array) -> None:
    with pytest.raises(UsageError, match="value_range is declared, but the values are uint8"):
        open_thing(Images(images, value_range=(0, 1)))
    with pytest.raises(UsageError, match="low < high"):
        open_thing(Images(images / 255, value_range=(1, 0)))
    with pytest.raises(InputError, match=r"array: a list of int and str; .*of paths to pictures"):
        open_thing(Images([1, "a.png"]))
    with pytest.raises(UsageError, match=r"list\[0\]: value_range is declared, but it is a pict"):
        open_thing(Images(["a.png"], value_range=(0, 1))).load([0])


@pytest.mark.parametrize("shape", [(0, 3, 9, 9), (9, 9), ()])
def test_floats_of_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="tensor: "):
        open_thing(Images(torch.zeros(shape), value_range=(0, 1)))


@pytest.mark.parametrize(
    "wrap", [lambda x: x, lambda x: (x, 1), lambda x: [x], lambda x: {"image": x}]
)
def test_items_of_data_sets(images: Array, wrap: Any) -> None:
    channels_first = torch.from_numpy(images[0]).permute(2, 0, 1)
    for item in (PIL.Image.fromarray(images[0]), channels_first, images[0]):
        source = open_thing(ListDataset(wrap(item)))
        np.testing.assert_array_equal(first_pixels(source), images[0])
        assert source.load([0])[0].name == "ListDataset[0]"
        assert (source.info.kind, source.info.location) == ("dataset", "ListDataset")


def test_grey_items_of_data_sets(images: Array) -> None:
    grey = np.ascontiguousarray(images[0, ..., 0])
    digests = set()
    for item in (PIL.Image.fromarray(grey), torch.from_numpy(grey), grey, grey[..., None]):
        (loaded,) = open_thing(ListDataset(item)).load([0])
        assert loaded.picture().notes == ("grey to RGB",)
        np.testing.assert_array_equal(loaded.picture().pixels, np.stack([grey] * 3))
        digests.add(loaded.digest)
    assert len(digests) == 1


def test_pillow_images_follow_the_decode_policy(images: Array) -> None:
    alpha = np.full((9, 11, 1), 255, np.uint8)
    alpha[0, 0] = 0
    picture = PIL.Image.fromarray(np.concatenate([images[0], alpha], axis=2))
    with pytest.raises(InputError, match=r"ListDataset\[0\]: "):
        open_thing(ListDataset(picture)).load([0])[0].picture()
    pixels = first_pixels(open_thing(ListDataset(picture), transparency="white"))
    expected = images[0].copy()
    expected[0, 0] = 255
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize("mode", ["1", "P", "LA", "CMYK", "I;16", "F"])
def test_pillow_images_of_other_modes(mode: str) -> None:
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    if mode == "I;16":
        picture = PIL.Image.fromarray(values.astype(np.uint16) * 257)
    elif mode == "F":
        picture = PIL.Image.fromarray(values.astype(np.float32) / 255)
    else:
        picture = PIL.Image.fromarray(values).convert(mode)
    source = open_thing(ListDataset(picture), float_range=(0, 1))
    expected = values
    if mode == "1":
        expected = np.asarray(picture).astype(np.uint8) * 255
    np.testing.assert_array_equal(first_pixels(source), np.stack([expected] * 3, axis=2))


def test_float_items_need_a_range(images: Array) -> None:
    dataset = TensorDataset(torch.from_numpy(images / 255).permute(0, 3, 1, 2).float())
    with pytest.raises(InputError, match=r"TensorDataset\[0\]: values of type torch\.float32"):
        open_thing(dataset).load([0])
    source = open_thing(Images(dataset, value_range=(0, 1), name="scaled"))
    np.testing.assert_array_equal(first_pixels(source), images[0])
    assert source.info.location == "scaled"


@pytest.mark.parametrize(
    "item",
    [
        "text",
        None,
        (),
        torch.zeros(4, 9, 9, dtype=torch.uint8),
        torch.zeros(9, 9, 3, dtype=torch.uint8),
        torch.zeros(3, 9, 7, dtype=torch.uint8),
        np.zeros((3, 9, 9), np.uint8),
        torch.zeros(3, dtype=torch.uint8),
    ],
)
def test_other_items_are_refused_by_name(images: Array, item: Any) -> None:
    source = open_thing(ListDataset(images[0], item))
    with pytest.raises(InputError, match=r"ListDataset\[1\]: "):
        source.load([0, 1])


def test_a_damaged_file_behind_a_data_set(tmp_path: Path) -> None:
    path = tmp_path / "class" / "a.png"
    path.parent.mkdir()
    PIL.Image.new("RGB", (64, 64), "red").save(path)
    path.write_bytes(path.read_bytes()[:-40])
    source = open_thing(torchvision.datasets.ImageFolder(tmp_path))
    with pytest.raises(InputError, match=r"ImageFolder\[0\]: cannot be read \(.*truncated"):
        source.load([0])


def test_a_data_set_that_changes(images: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganeval.sources.items.KEPT_BYTES", 0)
    array = images[0].copy()
    (item,) = open_thing(ListDataset(array)).load([0])
    array[0, 0, 0] ^= 1
    with pytest.raises(InputError, match=r"ListDataset\[0\]: changed while it was read"):
        item.picture()


class Stream(IterableDataset[Any]):
    """A data set without random access."""

    def __iter__(self) -> Iterator[Any]:
        return iter(())


class Endless(Dataset[Any]):
    """A data set without a length."""


def test_data_sets_without_a_length_or_items() -> None:
    with pytest.raises(InputError, match="Stream: an IterableDataset"):
        open_thing(Stream())
    with pytest.raises(InputError, match="Endless: a data set without a length"):
        open_thing(Endless())
    with pytest.raises(InputError, match="ListDataset: no images"):
        open_thing(ListDataset())


class Noisy(Dataset[Any]):
    """A data set whose items from `first` on are drawn again when they are read."""

    def __init__(self, images: Array, *, first: int) -> None:
        self.images, self.first = images, first
        self.rng = np.random.default_rng(0)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Any:
        image = self.images[index]
        return image[:, :: self.rng.choice([-1, 1])] if index >= self.first else image


def test_a_data_set_that_augments_at_random_is_refused(images: Array) -> None:
    """If half of the items are flipped at random, one of the first few shows it."""
    source = open_thing(Noisy(images, first=3))
    assert len(source.load([0, 1, 2])) == 3
    with pytest.raises(InputError, match=r"Noisy\[\d\]: a different image when it is read again"):
        source.load(range(len(images)))
    assert open_thing(Noisy(images, first=len(images))).load(range(len(images)))


def test_a_list_of_paths_is_the_folder_of_these_pictures(images: Array, tmp_path: Path) -> None:
    paths = [tmp_path / f"{at}.png" for at in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        PIL.Image.fromarray(image).save(path)
    expected = [item.digest for item in open_thing(tmp_path).load(range(len(images)))]
    for listed in (paths, [str(path) for path in paths]):
        source = open_thing(listed)
        assert [item.digest for item in source.load(range(len(images)))] == expected
        np.testing.assert_array_equal(first_pixels(source), images[0])
    with pytest.raises(InputError, match=r"list\[1\] \(.*none\.png\): cannot be read \(No such"):
        open_thing([paths[0], tmp_path / "none.png"]).load([0, 1])


def test_sizes_of_listed_images_are_known_once_they_are_read(images: Array) -> None:
    small = images[0, :8, :8]
    palette = PIL.Image.fromarray(images[1]).convert("P")
    source = open_thing([images[0], small, PIL.Image.fromarray(small), palette])
    source.load(range(4))
    source.load(range(4))
    assert source.info.seen is not None
    assert source.info.seen.sizes == {(11, 9): 2, (8, 8): 2}
