"""What users bring as pictures, each beside the plain thing that it stands for."""

import itertools
import json
import re
import shlex
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
import torch
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

import ganeval
from ganeval.errors import GanevalError, InputError
from ganeval.images.picture import DecodePolicy
from ganeval.sources.base import Source
from ganeval.sources.open import open_source
from tests.command import Command
from tests.pictures import blobs

Array = npt.NDArray[np.uint8]
RANDOM = ("--extractor", "random")


@pytest.fixture
def pictures() -> Array:
    return blobs(12, seed=3)  # [N, H, W, 3]


def opened(thing: Any, **policy: Any) -> Source:
    return open_source(thing, policy=DecodePolicy(**policy))


def pixels(source: Source) -> Array:
    items = source.load(range(len(source)))
    return np.stack([item.picture().pixels for item in items]).transpose(0, 2, 3, 1)


def error(thing: Any, **policy: Any) -> str:
    with pytest.raises(GanevalError) as caught:
        opened(thing, **policy)
    return str(caught.value)


def save_all(folder: Path, pictures: Any, suffix: str = "png", **options: Any) -> Path:
    folder.mkdir(exist_ok=True)
    for at, picture in enumerate(pictures):
        PIL.Image.fromarray(picture).save(folder / f"{at:03}.{suffix}", **options)
    return folder


def test_arrays_by_name_and_floats_with_a_range(tmp_path: Path, pictures: Array) -> None:
    grey = pictures[..., 0]
    floats = pictures.astype(np.float32) / 127.5 - 1
    faces, several = tmp_path / "faces.npz", tmp_path / "several.npz"
    np.savez(faces, x_train=grey, y_train=np.arange(12))
    np.savez(several, x_train=grey, x_test=grey[:5], y_test=np.arange(5))
    np.savez(tmp_path / "float.npz", floats)
    np.save(tmp_path / "float64.npy", floats.astype(">f8").transpose(0, 3, 1, 2))
    as_rgb = np.repeat(grey[..., None], 3, axis=3)
    np.testing.assert_array_equal(pixels(opened(faces)), as_rgb)
    said = error(several)
    assert f"write `npz:{several},key=x_train`" in said
    assert "x_test uint8 [5, 24, 24]" in said
    np.testing.assert_array_equal(pixels(opened(f"npz:{several},key=x_test")), as_rgb[:5])
    assert "did you mean 'x_test'?" in error(f"npz:{several},key=x_tset")
    for text in (
        f"npz:{tmp_path}/float.npz,value_range=-1,1",
        f"npz:{tmp_path}/float.npz,value_range=-1:1,key=arr_0",
        f"npy:{tmp_path}/float64.npy,value_range=-1:1",
    ):
        np.testing.assert_array_equal(pixels(opened(text)), pictures)
    plain = opened(tmp_path / "float.npz", float_range=(-1.0, 1.0))
    np.testing.assert_array_equal(pixels(plain), pictures)
    assert f"write `npz:{tmp_path}/float.npz,value_range=-1,1`" in error(tmp_path / "float.npz")
    assert "values observed from" in error(f"npz:{tmp_path}/float.npz,value_range=0,1")
    assert "the values are uint8" in error(f"npz:{faces},value_range=0,1")


@pytest.mark.parametrize("layout", ["NHWC", "NCHW", "NHW", "float"])
def test_images_in_a_pt_file(tmp_path: Path, pictures: Array, layout: str) -> None:
    path, tensor = tmp_path / "samples.pt", torch.from_numpy(pictures)
    saved = {
        "NHWC": tensor,
        "NCHW": tensor.permute(0, 3, 1, 2),
        "NHW": tensor[..., 0],
        "float": tensor.permute(0, 3, 1, 2) / 127.5 - 1,
    }[layout]
    torch.save(saved, path)
    expected = np.repeat(pictures[..., :1], 3, axis=3) if layout == "NHW" else pictures
    text = f"tensor:{path},value_range=-1,1" if layout == "float" else str(path)
    np.testing.assert_array_equal(pixels(opened(text)), expected)
    if layout == "float":
        assert f"write `{text}`" in error(path)
    torch.save({"images": saved, "labels": torch.arange(12), "more": saved}, path)
    text = text.removeprefix("tensor:")
    np.testing.assert_array_equal(pixels(opened(f"tensor:{text},key=images")), expected)
    assert f"write `tensor:{path},key=images`" in error(f"tensor:{path}")
    torch.save((saved, torch.arange(12)), path)
    np.testing.assert_array_equal(pixels(opened(f"tensor:{text},key=0")), expected)


class Payload:
    """Unpickling this would leave a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_pt_file_is_never_unpickled(tmp_path: Path) -> None:
    torch.save({"images": Payload(tmp_path / "executed")}, tmp_path / "a.pt")
    assert "no tensors that can be read without running code" in error(f"tensor:{tmp_path}/a.pt")
    assert "Python objects" in error(tmp_path / "a.pt")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("kind", ["npz", "pt", "npy"])
def test_statistics_of_others_come_with_the_command_that_converts(
    tmp_path: Path, kind: str
) -> None:
    mean, covariance = np.arange(4.0), np.diag(np.arange(1.0, 5))
    path = tmp_path / f"of others'.{kind}"
    if kind == "npz":
        np.savez(path, mu_real=mean, sigma_real=covariance)
    elif kind == "pt":
        torch.save({"mu": torch.tensor(mean), "sigma": torch.tensor(covariance)}, path)
    else:
        np.save(path, {"mu": mean, "sigma": covariance}, allow_pickle=True)  # type: ignore[arg-type]
    said = error(path)
    command = shlex.split(said.split("`")[1])
    assert command[0] == "python"
    subprocess.run([sys.executable, *command[1:]], check=True)
    with np.load(command[-1]) as converted:
        np.testing.assert_array_equal(converted["mu"], mean)
        np.testing.assert_array_equal(converted["sigma"], covariance)


def test_members_of_archives_by_pattern(tmp_path: Path, pictures: Array) -> None:
    folder = save_all(tmp_path / "a", pictures)
    for at in range(12):
        (folder / f"{at:03}.png").rename(folder / f"{at:03}{'_fake' * (at % 2)}.png")
        (folder / f"{at:03}.cls").write_text("7")
        (folder / f"{at:03}.json").write_text("{}")
    files = sorted(folder.iterdir())
    with (
        tarfile.open(tmp_path / "a.tar", "w") as tar,
        zipfile.ZipFile(tmp_path / "a.zip", "w") as z,
    ):
        for file in files:
            tar.add(file, file.name)
            z.write(file, file.name)
    for text in (f"folder:{folder}", f"tar:{tmp_path}/a.tar", f"zip:{tmp_path}/a.zip"):
        source = opened(f"{text},pattern=*_fake.png")
        np.testing.assert_array_equal(pixels(source), pictures[1::2])
        ignored = {"other files": 24, "pictures that do not fit the pattern": 6}
        assert source.info.ignored == ignored
        assert opened(f"{text},pattern=*.png,size=8").info.sizes == {(24, 24): 12}


def test_lists_and_loaders(pictures: Array) -> None:
    tensor = torch.from_numpy(pictures).permute(0, 3, 1, 2)
    images = [PIL.Image.fromarray(picture) for picture in pictures]
    dataset = TensorDataset(tensor, torch.arange(12))
    for thing in (
        images,
        tuple(images),
        list(pictures),
        list(tensor),
        DataLoader(dataset, batch_size=5, shuffle=True),
        DataLoader(dataset, batch_size=4, shuffle=True, drop_last=True),
        DataLoader(dataset, batch_sampler=BatchSampler(RandomSampler(range(12)), 5, False)),
        DataLoader(dataset, batch_size=None),
        ganeval.Images(list(tensor / 255), value_range=(0, 1)),
    ):
        np.testing.assert_array_equal(pixels(opened(thing)), pictures)
    assert "collate_fn" in error(DataLoader(dataset, collate_fn=list))
    assert "no images" in error([])


class Halved(DataLoader[Any]):
    """A loader that gives every other batch."""

    def __iter__(self) -> Any:
        return itertools.islice(super().__iter__(), 0, None, 2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sampler": WeightedRandomSampler([1.0] * 12, 12)}, "a WeightedRandomSampler chooses"),
        ({"sampler": list(range(5))}, "a list chooses"),
        ({"sampler": SequentialSampler(range(5))}, "SequentialSampler has 5 items, .* has 12"),
        (
            {"sampler": RandomSampler(range(5))},
            "RandomSampler has 5 items, but its data set has 12",
        ),
        ({"sampler": RandomSampler(range(12), num_samples=5)}, "a RandomSampler chooses"),
        (
            {"batch_sampler": BatchSampler(SubsetRandomSampler(range(5)), 5, False)},
            "a SubsetRandomSampler chooses",
        ),
        (
            {"batch_sampler": BatchSampler(SequentialSampler(range(5)), 5, False)},
            "SequentialSampler has 5 items",
        ),
        ({"batch_sampler": [[0, 1], [2, 3]]}, "a batch_sampler of type list chooses"),
        ({"batch_size": 5, "drop_last": True}, "drop_last leaves out 2 of 12 items"),
        (
            {"batch_sampler": BatchSampler(SequentialSampler(range(12)), 7, True)},
            "drop_last leaves out 5 of 12 items",
        ),
    ],
)
def test_a_loader_that_does_not_give_each_item_once_is_refused(
    pictures: Array, options: dict[str, Any], said: str
) -> None:
    dataset = TensorDataset(torch.from_numpy(pictures).permute(0, 3, 1, 2))
    loader = DataLoader(dataset, **options)
    assert sum(len(batch) for (batch,) in loader) != 12 or "chooses" in said
    assert re.search(said, error(loader))


def test_a_loader_of_a_class_that_skips_batches_is_refused(pictures: Array) -> None:
    dataset = TensorDataset(torch.from_numpy(pictures).permute(0, 3, 1, 2))
    assert "Halved overrides how batches are made" in error(Halved(dataset))


def test_one_text_of_metrics(pictures: Array) -> None:
    options = {"reference": pictures, "extractor": "random", "cache": False}
    report = ganeval.evaluate(sample=list(pictures[::-1]), metrics="fid,kid", **options)
    assert [score.name for score in report.scores] == ["fid", "kid"]
    assert report.scores[0].sample == "sample"
    with ganeval.Accumulator(metrics="fid", **options) as metric:
        metric.update(torch.from_numpy(pictures[::-1].copy()).permute(0, 3, 1, 2))
        assert metric.compute()["fid"].value == report["fid"].value


DECODED = {
    "transparency": ("white", "black"),
    "animated": ("first",),
    "exif": ("apply",),
    "float_range": ("0,1", "0:2"),
}


@pytest.mark.parametrize("option", DECODED)
@pytest.mark.parametrize("kind", ["folder", "zip", "tar"])
def test_a_decode_option_in_the_text_is_that_of_the_command_on_a_warm_cache(
    tmp_path: Path, pictures: Array, option: str, kind: str
) -> None:
    folder = tmp_path / "a"
    if option == "transparency":
        alpha = np.concatenate([pictures, pictures[..., :1]], axis=3)
        save_all(folder, alpha)
    elif option == "animated":
        later = [PIL.Image.fromarray(pictures[0])]
        save_all(folder, pictures, "tif", save_all=True, append_images=later)
    elif option == "exif":
        exif = PIL.Image.Exif()
        exif[0x0112] = 6
        save_all(folder, pictures, exif=exif)
    else:
        save_all(folder, (pictures[..., 0] / np.float32(255)).astype(np.float32), "tif")
    location = {"folder": folder, "zip": tmp_path / "a.zip", "tar": tmp_path / "a.tar"}[kind]
    with (
        tarfile.open(tmp_path / "a.tar", "w") as tar,
        zipfile.ZipFile(tmp_path / "a.zip", "w") as z,
    ):
        for file in sorted(folder.iterdir()):
            tar.add(file, file.name)
            z.write(file, file.name)

    def fid(sample: str, **options: Any) -> float:
        report = ganeval.evaluate(
            sample=sample, reference=pictures, metrics="fid", extractor="random", **options
        )
        return report["fid"].value

    warm = tmp_path / "warm"
    if option == "exif":
        plain = fid(str(location), cache_dir=warm)
    values = [
        fid(f"{kind}:{location},{option}={value}", cache_dir=warm) for value in DECODED[option]
    ]
    cold = [fid(f"{kind}:{location},{option}={value}", cache=False) for value in DECODED[option]]
    said = (
        [tuple(map(float, value.replace(":", ",").split(","))) for value in DECODED[option]]
        if (option == "float_range")
        else DECODED[option]
    )
    by_command = [fid(str(location), cache=False, **{option: value}) for value in said]
    assert values == cold == by_command
    assert len({*values, *([plain] if option == "exif" else [])}) == len(values) + (
        option == "exif"
    )


def test_the_first_answer_tells_every_reason_and_its_cure(
    ganeval: Command, tmp_path: Path, pictures: Array
) -> None:
    clip = save_all(tmp_path / "clip", [*pictures] * 4)
    alpha = np.concatenate([pictures, pictures[..., :1]], axis=3)
    first, *later = [PIL.Image.fromarray(picture) for picture in alpha]
    for at, picture in enumerate([*alpha] * 3):
        PIL.Image.fromarray(picture).save(clip / f"t{at:02}.png")
    first.save(clip / "u.png", save_all=True, append_images=later)  # frames, and transparent
    (clip / "v.png").write_bytes((clip / "000.png").read_bytes()[:200])
    (clip / "w.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    real = save_all(tmp_path / "real", pictures)
    answer = ganeval("fid", real, clip, *RANDOM)
    assert answer.code == 2
    *lines, last = answer.err.splitlines()
    assert lines[0].startswith(f"ganeval: 37 pictures, the first: {clip}/t00.png: transparent in ")
    assert "add `--transparency white`" in lines[0]
    assert lines[0].endswith(f"(also {clip}/t01.png, {clip}/t02.png, {clip}/t03.png and 33 more)")
    assert sum("add `--animated first`" in line for line in lines) == 1
    assert len(lines) == 4
    cure = "add `--transparency white --animated first`"
    skip = "--on-bad-image skip --max-bad 3%"
    assert f"{clip}: 39 of 87 pictures cannot be used" in last
    assert cure in last
    assert skip in last
    found = ganeval("fid", real, clip, *RANDOM, *f"{cure[5:-1]} {skip}".split(), "--json")
    assert found.code == 0
    assert len(json.loads(found.out)["provenance"]["sources"][str(clip)]["skipped"]) == 2


def test_what_is_left_alone_and_what_is_of_another_size(
    ganeval: Command, tmp_path: Path, pictures: Array
) -> None:
    real, fake = save_all(tmp_path / "real", pictures), save_all(tmp_path / "fake", pictures)
    assert "left alone" not in ganeval("fid", real, fake, *RANDOM).err
    (fake / "x.tga").write_bytes(b"?")
    said = "1 files of other picture formats were left alone beside 12 pictures"
    assert f"{fake}: {said}" in ganeval("fid", real, fake, *RANDOM).err
    for at in range(12):
        large = PIL.Image.fromarray(pictures[at]).resize((740 + at, 500))
        large.save(real / f"{at:03}.png")
    said = f"{fake} and {real} differ in size (medians 24x24 and 745x500)"
    assert said in ganeval("fid", real, fake, *RANDOM).err


def test_a_name_that_is_no_utf8_in_every_output(
    ganeval: Command, tmp_path: Path, pictures: Array
) -> None:
    real = save_all(tmp_path / "real", pictures)
    fake = save_all(tmp_path / "caf\udce9", pictures[::-1])
    assert opened(fake).info.location == f"{tmp_path}/caf\\udce9"
    outputs = [tmp_path / f"r.{suffix}" for suffix in ("json", "csv", "md", "tex", "html")]
    words = [word for path in outputs for word in ("-o", path)]
    found = ganeval("eval", real, fake, "-m", "fid", *RANDOM, *words, "--json")
    assert found.code == 0, found.err
    assert json.loads(found.out)["scores"][0]["sample"] == f"{tmp_path}/caf\\udce9"
    for path in outputs:
        assert "udce9" in path.read_text(encoding="utf-8")
    again = ganeval("eval", real, fake, "-m", "fid", *RANDOM, "--json", "-v")
    assert "0 computed, 12 found in the cache" in again.err
    with pytest.raises(InputError, match=r"caf\\udce9: no such file"):
        opened(str(fake) + "/caf\udce9")
