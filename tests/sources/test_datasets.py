"""Data sets by name; no test downloads anything."""

import hashlib
import socket
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
import torchvision
from sklearn.datasets import load_digits

from ganeval.errors import ResourceError, UsageError
from ganeval.images.picture import DecodePolicy
from ganeval.sources.arrays.datasets import DATA_SETS, digits
from ganeval.sources.base import Source
from ganeval.sources.open import open_source


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, without a network."""
    monkeypatch.setenv("GANEVAL_CACHE", str(tmp_path / "cache"))

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return tmp_path / "cache" / "datasets"


def open_data(text: str, *, offline: bool = True) -> Source:
    return open_source(text, policy=DecodePolicy(), offline=offline)


def test_digits_are_those_of_scikit_learn() -> None:
    images, classes = digits("all")
    bunch = load_digits()
    assert (images.shape, images.dtype, classes.dtype) == ((1797, 8, 8), np.uint8, np.int64)
    np.testing.assert_allclose(images, bunch.images * (255 / 16), atol=0.5)
    np.testing.assert_array_equal(classes, bunch.target)
    assert (images.min(), images.max()) == (0, 255)


def test_digits_split_is_a_stratified_partition() -> None:
    parts = [digits(split) for split in ("train", "test")]
    assert [len(images) for images, _ in parts] == [1437, 360]
    rows = sorted(
        (picture.tobytes(), int(label))
        for images, labels in parts
        for picture, label in zip(images, labels, strict=True)
    )
    whole = zip(*digits("all"), strict=True)
    assert rows == sorted((picture.tobytes(), int(label)) for picture, label in whole)
    shares = np.array([np.bincount(labels) / len(labels) for _, labels in parts])
    np.testing.assert_allclose(shares[0], shares[1], atol=1 / 360)


def test_digits_split_stays_the_same() -> None:
    _, classes = digits("test")
    assert hashlib.sha256(classes.astype("<i8").tobytes()).hexdigest()[:16] == "723b354289d5bac3"


def test_digits_as_a_source() -> None:
    train, test = open_data("data:digits"), open_data("data:digits,split=test,size=32")
    assert (len(train), len(test)) == (1437, 360)
    assert test.info.location == "data:digits,split=test,size=32"
    assert test.info.kind == "data"
    (item,) = test.load([5])
    assert item.name == "data:digits[5]"
    assert item.picture().pixels.shape == (3, 32, 32)
    assert item.picture().notes == ("grey to RGB",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("data:digit", "unknown data set 'digit'; .*did you mean 'digits'"),
        ("data:cifar-10", "did you mean 'cifar10'"),
        ("data:digits,split=tset", "unknown split of digits 'tset'; .*did you mean 'test'"),
        ("data:stl10,split=unlabelled", "did you mean 'unlabeled'"),
    ],
)
def test_misspelt_names(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        open_data(text)


@pytest.mark.parametrize("name", list(DATA_SETS))
@pytest.mark.parametrize("offline", [True, False])
def test_without_files_and_network(name: str, offline: bool, cache: Path, capsys: Any) -> None:
    """Every class of the table takes the arguments the table has for it, and fails as promised."""
    for split in DATA_SETS[name].splits:
        with pytest.raises(ResourceError, match=f"data:{name}: .*datasets") as caught:
            open_data(f"data:{name},split={split}", offline=offline)
        assert caught.value.exit_code == 4
        assert ("offline" in caught.value.found) == offline
    assert capsys.readouterr().out == ""
    assert not offline or not list(cache.glob("**/*.*"))


def write_idx(path: Path, array: npt.NDArray[np.uint8]) -> None:
    """Write the format of MNIST's files: a magic number, big-endian extents, bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    path.write_bytes(header + array.tobytes())


def test_mnist_in_its_own_layout(cache: Path) -> None:
    rng = np.random.default_rng(0)
    images = {"train": rng.integers(0, 256, (5, 28, 28), np.uint8)}
    images["t10k"] = rng.integers(0, 256, (3, 28, 28), np.uint8)
    for part, pixels in images.items():
        write_idx(cache / f"MNIST/raw/{part}-images-idx3-ubyte", pixels)
        write_idx(cache / f"MNIST/raw/{part}-labels-idx1-ubyte", np.zeros(len(pixels), np.uint8))
    expected = {
        "train": images["train"],
        "test": images["t10k"],
        "all": np.concatenate([images["train"], images["t10k"]]),
    }
    for split, pixels in expected.items():
        source = open_data(f"data:mnist,split={split}")
        items = source.load(range(len(source)))
        found = np.stack([item.picture().pixels for item in items])
        np.testing.assert_array_equal(found, np.repeat(pixels[:, None], 3, axis=1))
    assert len(open_data("data:mnist")) == 5


class FakeCifar:
    """The constructor of torchvision's class; its files appear when they are downloaded."""

    def __init__(self, root: str, *, train: bool, download: bool) -> None:
        file = Path(root) / "cifar"
        if download:
            print("Files already downloaded and verified")  # noqa: T201
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
        if not file.exists():
            raise RuntimeError("Dataset not found or corrupted.")
        self.train = train

    def __len__(self) -> int:
        return 2 if self.train else 1

    def __getitem__(self, index: int) -> tuple[PIL.Image.Image, int]:
        return PIL.Image.new("RGB", (32, 32), (index, 2, 3)), 0


def test_downloads_once_and_keeps_stdout_clean(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(torchvision.datasets, "CIFAR10", FakeCifar)
    with pytest.raises(ResourceError, match="nothing is downloaded offline"):
        open_data("data:cifar10")
    source = open_data("data:cifar10,size=16", offline=False)
    assert source.load([1])[0].picture().pixels[:, 0, 0].tolist() == [1, 2, 3]
    assert source.load([1])[0].picture().pixels.shape == (3, 16, 16)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "downloaded" in captured.err
    assert len(open_data("data:cifar10,split=all")) == 3  # offline now
    assert capsys.readouterr().err == ""
