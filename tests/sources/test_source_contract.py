"""One battery over every kind of source."""

import hashlib
import json
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
import torch
from torch.utils.data import Dataset, TensorDataset

from ganeval.images.picture import DecodePolicy
from ganeval.sources import items as items_module
from ganeval.sources.base import Source
from ganeval.sources.generator import Generator
from ganeval.sources.kinds import SOURCES
from ganeval.sources.memory import Images
from ganeval.sources.open import open_source
from tests.generators.networks import Example, seeded

Array = npt.NDArray[np.uint8]
Files = dict[str, bytes]


class PictureDataset(Dataset[Any]):
    """Pillow images with a class, as torchvision's data sets give."""

    def __init__(self, images: Array) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[PIL.Image.Image, int]:
        return PIL.Image.fromarray(self.images[index]), 3


def build_npy(path: Path, images: Array) -> str:
    np.save(path / "images.npy", images)
    return str(path / "images.npy")


def build_npz(path: Path, images: Array, save: Callable[..., None]) -> str:
    save(path / "images.npz", images)
    return str(path / "images.npz")


def build_digits(kind: str) -> tuple[str, Array]:
    from sklearn.datasets import load_digits

    values = np.floor(load_digits().images * 255 / 16 + 0.5)
    return f"{kind}:digits,split=all", np.repeat(values[..., None], 3, axis=3).astype(np.uint8)


def build_generator(kind: str, path: Path) -> tuple[Any, Array]:
    """A network in memory or its file, and its pictures, made without the code under test."""
    network = seeded(Example()).eval()
    rows = [
        np.random.Generator(np.random.Philox(np.random.SeedSequence([0, index]))).standard_normal(
            8, dtype=np.float32
        )
        for index in range(32)
    ]
    batches = [torch.from_numpy(np.stack(rows[at : at + 16]))[:, :, None, None] for at in (0, 16)]
    with torch.inference_mode():
        images = torch.cat([network(batch) for batch in batches]).double().numpy()
    pictures = np.floor(np.clip(images * 127.5 + 128, 0, 255)).astype(np.uint8)[:20]
    pictures = np.ascontiguousarray(pictures.transpose(0, 2, 3, 1))
    if kind == "generator":
        return (
            Generator(
                network, latent_size=8, latent_layout="map", value_range=(-1, 1), num_images=20
            ),
            pictures,
        )
    torch.save(network.state_dict(), path / "g.pt")
    options = "entry=tests.generators.networks:Example,latent_size=8,latent_layout=map"
    return f"generator:{path / 'g.pt'},{options},value_range=-1,1,num_images=20", pictures


KINDS = (
    "folder",
    "zip",
    "tar",
    "npz",
    "npz-stored",
    "npy",
    "data",
    "tensor",
    "array",
    "dataset",
    "tensor-dataset",
    "images",
    "generator",
    "generator-file",
)


@pytest.fixture(params=KINDS)
def thing(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    images: Array,
    files: Files,
    make_folder: Any,
    make_zip: Any,
    make_tar: Any,
) -> tuple[Any, Array]:
    """A source to open, and the pictures it holds, uint8 [N, H, W, 3]."""
    build: dict[str, Callable[[], Any]] = {
        "folder": lambda: str(make_folder(tmp_path / "f", files)),
        "zip": lambda: make_zip(tmp_path / "z.bin", dict(reversed(files.items()))),
        "tar": lambda: make_tar(tmp_path / "t.bin", dict(reversed(files.items()))),
        "npz": lambda: build_npz(tmp_path, images, np.savez_compressed),
        "npz-stored": lambda: build_npz(tmp_path, images, np.savez),
        "npy": lambda: build_npy(tmp_path, images.transpose(0, 3, 1, 2)),
        "tensor": lambda: torch.from_numpy(images.transpose(0, 3, 1, 2)),
        "array": lambda: images,
        "dataset": lambda: PictureDataset(images),
        "tensor-dataset": lambda: TensorDataset(torch.from_numpy(images.transpose(0, 3, 1, 2))),
        "images": lambda: Images(images / 255.0, value_range=(0, 1), name="floats"),
    }
    if request.param.startswith("generator"):
        return build_generator(request.param, tmp_path)
    if request.param == "data":
        return build_digits("data")
    return build[request.param](), images


@pytest.fixture
def source(thing: tuple[Any, Array]) -> Source:
    return open_source(thing[0], policy=DecodePolicy(), offline=True)


def test_every_kind_in_the_table_is_tested() -> None:
    assert set(SOURCES.names()) <= set(KINDS)


def test_describes_itself(source: Source, thing: tuple[Any, Array]) -> None:
    info = source.info
    assert info.count == len(source) == len(thing[1])
    assert info.location == (str(thing[0]) if isinstance(thing[0], str | Path) else info.location)
    assert info.kind
    assert json.loads(json.dumps(info.settings)) == info.settings
    assert info.ignored == {}
    height, width = thing[1].shape[1:3]
    if not isinstance(thing[0], Dataset):
        assert info.sizes == {(width, height): info.count}
    assert source.unusable() == {}


def test_gives_the_pictures_in_order(source: Source, thing: tuple[Any, Array]) -> None:
    items = source.load(range(len(source)))
    for item, expected in zip(items, thing[1], strict=True):
        pixels = item.picture().pixels
        assert pixels.dtype == np.uint8
        assert pixels.flags.c_contiguous
        np.testing.assert_array_equal(pixels, expected.transpose(2, 0, 1))


def test_items_depend_on_their_index_alone(source: Source) -> None:
    forwards = source.load(range(len(source)))
    backwards = source.load(range(len(source))[::-1])[::-1]
    for at, (one, other) in enumerate(zip(forwards, backwards, strict=True)):
        assert (one.name, one.digest) == (other.name, other.digest)
        if at < 7:
            (alone,) = source.load([at])
            assert (alone.name, alone.digest) == (one.name, one.digest)
            np.testing.assert_array_equal(alone.picture().pixels, one.picture().pixels)
    assert len({item.name for item in forwards}) == len(source)
    assert {len(item.digest) for item in forwards} == {hashlib.sha256().digest_size}


def test_different_pictures_have_different_digests(
    source: Source, thing: tuple[Any, Array]
) -> None:
    digests = {item.digest for item in source.load(range(len(source)))}
    assert len(digests) == len({pixels.tobytes() for pixels in thing[1]})


@pytest.mark.parametrize("kept_bytes", [2**28, 0])
def test_decodes_from_threads(
    source: Source, monkeypatch: pytest.MonkeyPatch, kept_bytes: int
) -> None:
    monkeypatch.setattr(items_module, "KEPT_BYTES", kept_bytes)
    items = source.load(range(min(len(source), 50)))
    expected = [item.picture().pixels for item in items]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            results = pool.map(lambda item: item.picture().pixels, items)
            for result, reference in zip(results, expected, strict=True):
                np.testing.assert_array_equal(result, reference)


def test_the_same_files_have_the_same_digests_wherever_they_lie(
    tmp_path: Path, files: Files, make_folder: Any, make_zip: Any, make_tar: Any
) -> None:
    places = [
        make_folder(tmp_path / "folder", files),
        make_zip(tmp_path / "a.zip", files),
        make_zip(tmp_path / "b.zip", files, zipfile.ZIP_STORED),
        make_tar(tmp_path / "a.tar", files),
    ]
    expected = [hashlib.sha256(content).digest() for content in files.values()]
    for place in places:
        source = open_source(place, policy=DecodePolicy())
        assert [item.digest for item in source.load(range(len(source)))] == expected


def test_the_same_arrays_have_the_same_digests_wherever_they_lie(
    tmp_path: Path, images: Array
) -> None:
    channels_first = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    things = [
        build_npy(tmp_path, np.asfortranarray(images)),
        build_npz(tmp_path, channels_first, np.savez),
        torch.from_numpy(channels_first),
        images,
        PictureDataset(images),
    ]
    expected = [
        hashlib.sha256(b"array uint8 3,9,11\n" + pixels.tobytes()).digest()
        for pixels in channels_first
    ]
    for thing in things:
        source = open_source(thing, policy=DecodePolicy())
        assert [item.digest for item in source.load(range(len(source)))] == expected


def test_options_bring_pictures_to_one_size(
    tmp_path: Path, files: Files, images: Array, make_folder: Any, make_zip: Any, make_tar: Any
) -> None:
    texts = [
        f"folder:{make_folder(tmp_path / 'f', files)}",
        f"zip:{make_zip(tmp_path / 'z', files)}",
        f"tar:{make_tar(tmp_path / 't', files)}",
        f"npy:{build_npy(tmp_path, images)}",
        f"npz:{build_npz(tmp_path, images, np.savez)}",
    ]
    cropped = PIL.Image.fromarray(images[2][:, 1:10])
    expected = np.asarray(cropped.resize((16, 16), PIL.Image.Resampling.BICUBIC))
    for text in texts:
        source = open_source(text + ",size=16,crop=center", policy=DecodePolicy())
        assert source.info.settings["size"] == 16
        assert source.info.settings["crop"] == "center"
        assert source.info.sizes == {(11, 9): 7}  # native
        pixels = source.load([2])[0].picture().pixels
        np.testing.assert_array_equal(pixels.transpose(1, 2, 0), expected)
