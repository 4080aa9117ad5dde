"""Pictures made on the fly, and containers to put them in."""

import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest

Files = Mapping[str, bytes]


def encode(pixels: npt.NDArray[np.uint8], format_name: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, format_name)
    return buffer.getvalue()


def write_folder(path: Path, files: Files) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def write_zip(path: Path, files: Files, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def write_tar(path: Path, files: Files) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture
def images() -> npt.NDArray[np.uint8]:
    """Seven RGB pictures, uint8 [7, 9, 11, 3]."""
    return np.random.default_rng(0).integers(0, 256, (7, 9, 11, 3), dtype=np.uint8)


@pytest.fixture
def files(images: npt.NDArray[np.uint8]) -> dict[str, bytes]:
    """The same as PNG files, in the order of the raw bytes of their names."""
    names = ["B.PNG", "a.png", "a/0.png", "a/1.png", "ab.png", "\u00e9.png", "\uff5a.png"]
    return {name: encode(pixels) for name, pixels in zip(names, images, strict=True)}


@pytest.fixture
def picture() -> Callable[..., bytes]:
    """Return a function from pixels to the bytes of a file."""
    return encode


@pytest.fixture
def make_folder() -> Callable[[Path, Files], Path]:
    return write_folder


@pytest.fixture
def make_zip() -> Callable[..., Path]:
    return write_zip


@pytest.fixture
def make_tar() -> Callable[[Path, Files], Path]:
    return write_tar
