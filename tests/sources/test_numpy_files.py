"""`.npy` and `.npz` files of images."""

import io
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ganeval.errors import InputError
from ganeval.images.picture import DecodePolicy
from ganeval.sources import items as items_module
from ganeval.sources.arrays.numpy_files import Npy, Npz
from ganeval.sources.base import Source
from ganeval.sources.open import open_source

Array = npt.NDArray[np.uint8]
POLICY = DecodePolicy()


def save_npy(path: Path, array: Any) -> Path:
    np.save(path / "a.npy", array)
    return path / "a.npy"


def save_npz(path: Path, **arrays: Any) -> Path:
    np.savez(path / "a.npz", **arrays)
    return path / "a.npz"


def open_npy(path: Path) -> Source:
    return Npy(str(path)).open(POLICY)


def open_npz(path: Path) -> Source:
    return Npz(str(path)).open(POLICY)


def pixels_of(source: Source) -> Array:
    """Return uint8 [N, H, W, 3]."""
    items = source.load(range(len(source)))
    return np.stack([item.picture().pixels for item in items]).transpose(0, 2, 3, 1)


@pytest.mark.parametrize(
    "layout",
    [
        lambda grey: grey,
        lambda grey: grey[:, None],
        lambda grey: grey[..., None],
        np.asfortranarray,
    ],
)
def test_grey(tmp_path: Path, images: Array, layout: Callable[[Array], Array]) -> None:
    grey = images[..., 0]
    source = open_npy(save_npy(tmp_path, layout(grey)))
    expected = np.repeat(grey[..., None], 3, axis=3)
    np.testing.assert_array_equal(pixels_of(source), expected)
    assert source.load([0])[0].picture().notes == ("grey to RGB",)
    names = [item.name for item in source.load([0, 6])]
    assert names == [f"{tmp_path}/a.npy[0]", f"{tmp_path}/a.npy[6]"]


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((3, 3, 3, 3), "so that the layout is clear"),
        ((2, 3, 9, 3), "so that the layout is clear"),
        ((2, 9, 9, 4), "1 or 3 channels"),
        ((2, 4, 9, 9), "1 or 3 channels"),
        ((3, 9, 9), "may be a single picture"),
        ((9, 9, 3), "may be a single picture"),
        ((9, 9), "shape .N, 3, H, W."),
        ((1, 2, 9, 9, 3), "shape .N, 3, H, W."),
        ((0, 9, 9, 3), "no images"),
        ((2, 9, 7, 3), "7 x 9 pixels"),
        ((2, 0, 9, 3), "9 x 0 pixels"),
    ],
)
def test_refuses_other_shapes(tmp_path: Path, shape: tuple[int, ...], said: str) -> None:
    path = save_npy(tmp_path, np.zeros(shape, np.uint8))
    with pytest.raises(InputError, match=rf"a\.npy: .*{said}"):
        open_npy(path)


@pytest.mark.parametrize("dtype", ["float32", "int64", "bool", ">u2"])
def test_refuses_other_types(tmp_path: Path, dtype: str) -> None:
    path = save_npy(tmp_path, np.zeros((2, 9, 9, 3), dtype))
    with pytest.raises(InputError, match=rf"a\.npy: values of type {np.dtype(dtype)} .*Images"):
        open_npy(path)


class Payload:
    """Unpickling this would leave a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_never_unpickles(tmp_path: Path, images: Array) -> None:
    objects = np.array([Payload(tmp_path / "executed")], object)
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "a.npz", arr_0=images, other=objects)
    (tmp_path / "b.npy").write_bytes(pickle.dumps(Payload(tmp_path / "executed")))
    with pytest.raises(InputError, match=r"a\.npy: contains Python objects \(code\)"):
        open_npy(tmp_path / "a.npy")
    with pytest.raises(InputError, match=r"a\.npz:other: contains Python objects \(code\)"):
        open_npz(tmp_path / "a.npz")
    with pytest.raises(InputError, match=r"b\.npy: damaged or truncated npy file"):
        open_npy(tmp_path / "b.npy")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("kept", [0, 5, 80, 0.5, 0.999])
@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_truncated(tmp_path: Path, images: Array, kept: float, kind: str) -> None:
    path = save_npy(tmp_path, images) if kind == "npy" else save_npz(tmp_path, arr_0=images)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept if kept >= 1 else kept * len(content))])
    with pytest.raises(InputError, match=rf"a\.{kind}: damaged or truncated {kind} file"):
        (open_npy if kind == "npy" else open_npz)(path)


@pytest.mark.parametrize(
    "shape",
    [
        (8, 9, 11, 3),
        (2**32, 2**32, 11, 3),  # 2**64 overflows to 0
        (-7, -9, 11, 3),
        (-7, 9, 11, 3),
        (True, 9, 11, 3),  # numpy takes it, and fails later
    ],
)
def test_a_header_that_promises_what_the_file_has_not(
    tmp_path: Path, images: Array, shape: tuple[int, ...]
) -> None:
    buffer = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    content = buffer.getvalue() + images.tobytes()
    (tmp_path / "a.npy").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("arr_0.npy", content)
    with pytest.raises(InputError, match=r"a\.npy: damaged or truncated"):
        open_npy(tmp_path / "a.npy")
    with pytest.raises(InputError, match=r"a\.npz: damaged or truncated"):
        open_npz(tmp_path / "a.npz")


def test_npz_takes_the_only_array_that_fits(tmp_path: Path, images: Array) -> None:
    others = {"labels": np.arange(7), "mu": np.zeros(4), "sigma": np.eye(4)}
    for arrays in (
        {"arr_0": images},
        {"x": images},
        {"arr_0": np.arange(7), "x": images},
    ):
        source = open_npz(save_npz(tmp_path, **arrays, **others))
        np.testing.assert_array_equal(pixels_of(source), images)
    source = open_npz(save_npz(tmp_path, arr_0=images[..., 0], **others))
    assert len(source) == 7


def test_npz_with_several_or_no_candidates_lists_what_it_has(tmp_path: Path, images: Array) -> None:
    with pytest.raises(InputError, match=r"several arrays .*x uint8 \[7, .*, y uint8 \[2, 9"):
        open_npz(save_npz(tmp_path, x=images, y=images[:2]))
    # Masks are uint8 too, and pictures may be floats: neither goes before the other.
    masks = images[..., 0]
    for arrays in ({"arr_0": masks, "images": images}, {"fake": images / 255.0, "masks": masks}):
        with pytest.raises(InputError, match=rf"several arrays .*key={next(iter(arrays))}`"):
            open_npz(save_npz(tmp_path, **arrays))
    with pytest.raises(InputError, match=r"no array .*labels int64 \[7\]"):
        open_npz(save_npz(tmp_path, labels=np.arange(7)))


@pytest.mark.parametrize("keys", [("mu", "sigma"), ("mean", "cov")])
def test_npz_of_statistics(tmp_path: Path, keys: tuple[str, str]) -> None:
    path = save_npz(tmp_path, **{keys[0]: np.zeros(4), keys[1]: np.eye(4)})
    with pytest.raises(InputError, match=r"a\.npz: holds statistics, not images"):
        open_npz(path)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_fortran_order_and_long_names(
    tmp_path: Path, images: Array, save: Callable[..., None]
) -> None:
    save(tmp_path / "a.npz", **{"x" * 300: np.asfortranarray(images)})
    np.testing.assert_array_equal(pixels_of(open_npz(tmp_path / "a.npz")), images)


def test_a_compressed_member_that_is_damaged(tmp_path: Path, images: Array) -> None:
    np.savez_compressed(tmp_path / "a.npz", images)
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.npz: damaged or truncated npz file"):
        open_npz(tmp_path / "a.npz")


def test_stored_arrays_are_mapped(tmp_path: Path, images: Array) -> None:
    """A change of the file shows, so it was not copied; items that were loaded stay."""
    path = save_npz(tmp_path, arr_0=images)
    source = open_npz(path)
    before = source.load([0])[0]
    content = bytearray(path.read_bytes())
    at = content.index(images.tobytes())
    with path.open("r+b") as file:
        file.seek(at)
        file.write(bytes(9 * 11 * 3))
    after = source.load([0])[0]
    assert after.digest != before.digest
    assert not after.picture().pixels.any()
    np.testing.assert_array_equal(before.picture().pixels, images[0].transpose(2, 0, 1))


def test_an_array_that_changes_between_hashing_and_decoding(
    tmp_path: Path, images: Array, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(items_module, "KEPT_BYTES", 0)
    path = save_npy(tmp_path, images)
    (item,) = open_npy(path).load([6])
    with path.open("r+b") as file:
        file.seek(-1, 2)
        file.write(bytes([images[-1, -1, -1, -1] ^ 1]))
    with pytest.raises(InputError, match=r"a\.npy\[6\]: changed while it was read"):
        item.picture()


def test_flipped_bytes_give_pictures_or_input_errors(tmp_path: Path, images: Array) -> None:
    rng = np.random.default_rng(0)
    failures = 0
    for path in (save_npy(tmp_path, images[:1]), save_npz(tmp_path, arr_0=images[:1])):
        content = path.read_bytes()
        metadata = [*range(200), *range(len(content) - 150, len(content))]
        for _ in range(150):
            damaged = np.frombuffer(content, np.uint8).copy()
            damaged[rng.choice(metadata, 2)] = rng.integers(0, 256, 2)
            path.write_bytes(damaged.tobytes())
            try:
                pixels_of((open_npy if path.suffix == ".npy" else open_npz)(path))
            except InputError as error:
                failures += str(path) in str(error)
    assert failures > 40


def test_an_encrypted_member(tmp_path: Path, images: Array) -> None:
    path = save_npz(tmp_path, arr_0=images)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert zipfile.is_zipfile(path)
    with pytest.raises(InputError, match=r"a\.npz: .*encrypted"):
        open_npz(path)


@pytest.mark.parametrize(
    ("low", "high", "ends"),
    [
        (0, 1, "0,1"),
        (0.1, 0.6, "0,1"),
        (-0.02, 1.03, "0,1"),
        (-1, 1, "-1,1"),
        (-0.98, 0.97, "-1,1"),
        (0, 255, "0,255"),
    ],
)
def test_floats_are_told_the_range_that_fits_them(
    tmp_path: Path, low: float, high: float, ends: str
) -> None:
    path = tmp_path / "x.npy"
    grey = np.linspace(low, high, 12 * 3 * 16 * 16, dtype=np.float32).reshape(12, 3, 16, 16)
    np.save(path, grey)
    with pytest.raises(
        InputError, match=f"float32 from {low:g} to {high:g}; .*`--float-range"
    ) as e:
        open_source(path, policy=DecodePolicy())
    (advice, option) = re.findall("`(.*?)`", str(e.value))
    assert option == f"--float-range {ends}"
    assert len(open_source(advice, policy=DecodePolicy())) == 12


def test_floats_of_no_usual_range_are_told_no_range(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.linspace(-3, 7, 12 * 3 * 64).reshape(12, 3, 8, 8))
    with pytest.raises(InputError, match=r"from -3 to 7; .*value_range=LOW,HIGH`"):
        open_source(tmp_path / "x.npy", policy=DecodePolicy())


@pytest.mark.parametrize("option", ["", ",value_range=0,1"])
@pytest.mark.parametrize(
    ("dtype", "high", "remedy"),
    [
        (np.int64, 255, "`array.astype('uint8')`"),
        (np.uint16, 65535, "bring them to 0 to 255 and save"),
        (np.bool_, 1, "`(array * 255).astype('uint8')`"),
    ],
)
def test_integers_have_a_remedy_of_their_own(
    tmp_path: Path, dtype: Any, high: int, remedy: str, option: str
) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.linspace(0, high, 12 * 3 * 64).reshape(12, 3, 8, 8).astype(dtype))
    with pytest.raises(InputError) as error:
        open_source(f"npy:{path}{option}", policy=DecodePolicy())
    assert f"from 0 to {high:.3g}; " in str(error.value)
    assert remedy in str(error.value)
    assert "ganeval.Images(" not in str(error.value)
