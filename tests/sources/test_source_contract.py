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
from sklearn.datasets import load_digits
from torch.utils.data import Dataset, TensorDataset

from ganeval.images.picture import DecodePolicy, Picture
from ganeval.sources import items as items_module
from ganeval.sources import views as views_package
from ganeval.sources.arrays.memory import Images
from ganeval.sources.base import Item, Pair, Source
from ganeval.sources.generator import Generator
from ganeval.sources.kinds import SOURCES
from ganeval.sources.open import open_source
from ganeval.sources.views.pair_view import PairView
from ganeval.sources.views.pairs import pair_up, pairs_of
from ganeval.sources.views.paths import paths_of
from ganeval.sources.views.random_pairs import random_pairs
from tests.generators.networks import Example, seeded
from tests.sources.arcs import between, draw_place, draws
from tests.sources.conftest import encode

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


def build_pairs(path: Path, images: Array, files: Files, make: Any) -> tuple[PairView, Array]:
    """Pairs of a folder and a zip in another order; each lacks some pictures of the other."""
    names = list(files)
    inverted = {
        f"{name[:-4]}.bmp": encode(255 - one, "BMP")
        for name, one in zip(names, images, strict=True)
    }
    folder = opened(make[0](path / "f", {name: files[name] for name in names[:5]}))
    inner = opened(make[1](path / "z.bin", dict(list(inverted.items())[:0:-1])))
    view = pairs_of(folder, inner, pair_up(folder, inner))
    return view, np.stack([images[1:5], 255 - images[1:5]], axis=1)


def build_random_pairs(images: Array) -> tuple[PairView, Array]:
    view = random_pairs(opened(images), num=9, seed=3)
    return view, images[[[int(place) for place in name.split(" | ")] for name in view.names()]]


def build_paths(kind: str, path: Path) -> tuple[PairView, npt.NDArray[np.float32]]:
    """A few paths of a network, and their points made without the code under test."""
    view = paths_of(opened(build_generator(kind, path)[0]), num=9, seed=4)
    network = seeded(Example()).eval()
    points = [
        between(*(draws(4, 2 * at + side) for side in (0, 1)), draw_place(4, at) + step)
        for at in range(9)
        for step in (0, 1e-4)
    ]
    with torch.inference_mode():
        made = network(torch.from_numpy(np.float32(points))[:, :, None, None]).double().numpy()
    made = (made.transpose(0, 2, 3, 1) * 127.5 + 127.5).astype(np.float32)
    return view, made.reshape(9, 2, *made.shape[1:])


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
    "pairs",
    "random-pairs",
    "paths-generator",
    "paths-generator-file",
)
VIEWS = ("pairs", "random-pairs", "paths")


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
    if request.param == "pairs":
        return build_pairs(tmp_path, images, files, (make_folder, make_zip))
    if request.param == "random-pairs":
        return build_random_pairs(images)
    if request.param.startswith("paths"):
        return build_paths(request.param.removeprefix("paths-"), tmp_path)
    if request.param.startswith("generator"):
        return build_generator(request.param, tmp_path)
    if request.param == "data":
        return build_digits("data")
    return build[request.param](), images


def opened(thing: Any) -> Source:
    return open_source(thing, policy=DecodePolicy(), offline=True)


@pytest.fixture
def source(thing: tuple[Any, Array]) -> Source:
    return opened(thing[0])


def shown(item: Item) -> npt.NDArray[Any]:
    """What an item is: one picture, [H, W, 3], or a pair, [2, H, W, 3]."""
    content = item.content()
    pictures = content if isinstance(content, Pair) else [content]
    pixels = []
    for picture in pictures:
        assert isinstance(picture, Picture)
        assert picture.pixels.flags.c_contiguous
        pixels.append(picture.pixels.transpose(1, 2, 0))
    return np.stack(pixels) if isinstance(content, Pair) else pixels[0]


def test_every_kind_in_the_table_is_tested() -> None:
    assert set(SOURCES.names()) <= set(KINDS)
    views = [path.stem for path in Path(views_package.__path__[0]).glob("*.py")]
    tested_elsewhere = {"windows"}  # of clips, in tests/audio
    ours = {name.replace("_", "-") for name in views} - {"--init--", "pair-view"}
    assert ours == {*VIEWS, *tested_elsewhere}


def test_describes_itself(source: Source, thing: tuple[Any, Array]) -> None:
    info = source.info
    assert info.count == len(source) == len(thing[1])
    assert info.location == (str(thing[0]) if isinstance(thing[0], str | Path) else info.location)
    assert info.kind
    assert json.loads(json.dumps(info.settings)) == info.settings
    assert info.ignored == {}
    height, width = thing[1].shape[1:3]
    if not isinstance(thing[0], Dataset | PairView):
        assert info.sizes == {(width, height): info.count}
    assert source.unusable() == {}


def test_gives_the_pictures_in_order(source: Source, thing: tuple[Any, Array]) -> None:
    items = source.load(range(len(source)))
    for item, expected in zip(items, thing[1], strict=True):
        pixels = shown(item)
        assert pixels.dtype == expected.dtype
        tolerance = 0 if pixels.dtype == np.uint8 else 1e-3
        np.testing.assert_allclose(pixels, expected, rtol=0, atol=tolerance)


def test_items_depend_on_their_index_alone(source: Source) -> None:
    forwards = source.load(range(len(source)))
    backwards = source.load(range(len(source))[::-1])[::-1]
    for at, (one, other) in enumerate(zip(forwards, backwards, strict=True)):
        assert (one.name, one.digest) == (other.name, other.digest)
        if at < 7:
            (alone,) = source.load([at])
            assert (alone.name, alone.digest) == (one.name, one.digest)
            np.testing.assert_array_equal(shown(alone), shown(one))
    assert len({item.name for item in forwards}) == len(source)
    assert {len(item.digest) for item in forwards} == {hashlib.sha256().digest_size}


def test_names_its_items_without_reading_them(source: Source, thing: tuple[Any, Array]) -> None:
    names = source.names()
    assert len(names) == len(set(names)) == len(source)
    if source.info.kind in ("pairs", "random-pairs"):
        assert [len(name.split(" | ")) for name in names] == [2] * len(source)
    elif source.info.kind in ("folder", "zip", "tar"):
        assert list(names) == ["B.PNG", "a.png", "a/0.png", "a/1.png", "ab.png", *list(names)[5:]]
        assert [item.name[-len(name) :] for item, name in named(source)] == list(names)
    else:
        assert list(names) == [str(index) for index in range(len(source))]
        assert all(item.name.endswith(f"[{name}]") for item, name in named(source))


def named(source: Source) -> Any:
    return zip(source.load(range(len(source))), source.names(), strict=True)


def test_knows_its_labels_or_that_it_has_none(source: Source) -> None:
    labels = source.labels()
    if source.info.kind == "data":
        assert labels is not None
        assert [int(label) for label in labels] == load_digits().target.tolist()
    else:
        assert labels is None


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
    expected = [shown(item) for item in items]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            results = pool.map(shown, items)
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
