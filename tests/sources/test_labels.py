"""The class of each item is known as text, wherever the source has it, and never shifts."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch.utils.data import ConcatDataset, DataLoader, Dataset, Subset, TensorDataset
from torchvision.datasets import ImageFolder

from ganeval.errors import InputError, UsageError
from ganeval.images.picture import DecodePolicy
from ganeval.sources.arrays.memory import Images
from ganeval.sources.base import Source
from ganeval.sources.generator import Generator
from ganeval.sources.open import open_source

Array = npt.NDArray[np.uint8]
Files = Mapping[str, bytes]

NAMES = ["cat/0.png", "cat/b/1.png", "dog/0.png", "na\u00efve/0.png"]


def opened(thing: Any) -> Source:
    return open_source(thing, policy=DecodePolicy(), offline=True)


@pytest.fixture
def classes(files: Files) -> dict[str, bytes]:
    """Pictures in three folders."""
    return dict(zip(NAMES, files.values(), strict=False))


@pytest.fixture(params=["folder", "zip", "tar"])
def build(
    request: pytest.FixtureRequest, make_folder: Any, make_zip: Any, make_tar: Any
) -> Callable[[Path, Files], str]:
    """A function that puts files into a container, and returns the text that names it."""
    make = {"folder": make_folder, "zip": make_zip, "tar": make_tar}[request.param]
    return lambda path, files: f"{request.param}:{make(path, files)}"


def test_the_first_folder_is_the_class(
    tmp_path: Path, classes: Files, build: Callable[[Path, Files], str]
) -> None:
    text = build(tmp_path / "x", classes)
    source = opened(f"{text},labels=folders")
    assert source.labels() == ("cat", "cat", "dog", "na\u00efve")
    assert list(source.names()) == NAMES
    plain = opened(text)
    assert plain.labels() is None
    assert plain.info.settings == source.info.settings
    assert [item.digest for item in plain.load(range(4))] == [
        item.digest for item in source.load(range(4))
    ]


def test_a_missing_class_shifts_no_other(
    tmp_path: Path, classes: Files, build: Callable[[Path, Files], str]
) -> None:
    fewer = {name: content for name, content in classes.items() if not name.startswith("cat")}
    source = opened(build(tmp_path / "x", fewer) + ",labels=folders")
    assert source.labels() == ("dog", "na\u00efve")


def test_one_spelling_of_a_letter_is_as_good_as_another(
    tmp_path: Path, classes: Files, build: Callable[[Path, Files], str]
) -> None:
    decomposed = {name.replace("\u00ef", "i\u0308"): one for name, one in classes.items()}
    source = opened(build(tmp_path / "x", decomposed) + ",labels=folders")
    assert source.labels() == ("cat", "cat", "dog", "na\u00efve")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["a.png", "cat/1.png"], "'a.png' without a folder"),
        (["a.png", "b.png", "cat/1.png"], "'a.png' and 1 more without a folder"),
        (["real/cat/1.png", "real/dog/1.png"], "in the one folder 'real', with 2 folders in it"),
    ],
)
def test_folders_that_are_no_classes_are_refused(
    tmp_path: Path,
    files: Files,
    build: Callable[[Path, Files], str],
    names: list[str],
    found: str,
) -> None:
    text = build(tmp_path / "x", dict(zip(names, files.values(), strict=False)))
    with pytest.raises(InputError, match=re.escape(found)):
        opened(f"{text},labels=folders")
    assert opened(text).labels() is None


def test_one_class_is_enough(
    tmp_path: Path, files: Files, build: Callable[[Path, Files], str]
) -> None:
    names = ["cat/a/1.png", "cat/a/2.png"]
    text = build(tmp_path / "x", dict(zip(names, files.values(), strict=False)))
    assert opened(f"{text},labels=folders").labels() == ("cat", "cat")


def test_tars_in_a_row_have_the_names_and_folders_within_each(
    tmp_path: Path, classes: Files, make_tar: Any
) -> None:
    first, second = dict(list(classes.items())[:2]), dict(list(classes.items())[2:])
    make_tar(tmp_path / "x-0.tar", second)
    make_tar(tmp_path / "x-1.tar", first)
    source = opened(f"tar:{tmp_path}/x-{{0..1}}.tar,labels=folders")
    assert source.names() == ("dog/0.png", "na\u00efve/0.png", "cat/0.png", "cat/b/1.png")
    assert source.labels() == ("dog", "na\u00efve", "cat", "cat")
    for number, name in enumerate(("dog/0.png", "na\u00efve/0.png")):
        make_tar(tmp_path / f"y-{number}.tar", {name: classes[name]})
    make_tar(tmp_path / "y-2.tar", first)
    other = opened(f"tar:{tmp_path}/y-{{0..2}}.tar")
    assert other.names() == source.names()
    assert other.info.fingerprint != source.info.fingerprint


@pytest.mark.parametrize("key", ["labels", "arr_1"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(
    "values",
    [
        [3, 0, 3, 11, 1, 2, 0],
        np.array([3, 0, 3, 11, 1, 2, 0], np.uint8),
        np.array([[3], [0], [3], [11], [1], [2], [0]]),
        np.eye(12)[[3, 0, 3, 11, 1, 2, 0]],
    ],
    ids=["int64", "uint8", "column", "one-hot"],
)
def test_numbers_in_an_npz_are_labels(
    tmp_path: Path, images: Array, key: str, save: Any, values: Any
) -> None:
    save(tmp_path / "x.npz", **{"arr_0": images, key: values})
    source = opened(tmp_path / "x.npz")
    assert source.labels() == ("3", "0", "3", "11", "1", "2", "0")
    save(tmp_path / "plain.npz", images)
    plain = opened(tmp_path / "plain.npz")
    assert plain.labels() is None
    assert plain.info.settings == source.info.settings


def test_texts_are_labels(tmp_path: Path, images: Array) -> None:
    np.savez(tmp_path / "x.npz", images, labels=["cat", "dog", "cat", "cat", "cat", "e\u0301", "x"])
    assert opened(tmp_path / "x.npz").labels() == ("cat", "dog", "cat", "cat", "cat", "\u00e9", "x")


def test_labels_go_before_a_second_array(tmp_path: Path, images: Array) -> None:
    np.savez(
        tmp_path / "x.npz", arr_0=images, arr_1=np.zeros(7, int), labels=np.ones(7, int), y=[2] * 7
    )
    assert opened(tmp_path / "x.npz").labels() == ("1",) * 7
    assert opened(f"npz:{tmp_path}/x.npz,labels=y").labels() == ("2",) * 7
    with pytest.raises(UsageError, match=r"unknown array of .* 'z'"):
        opened(f"npz:{tmp_path}/x.npz,labels=z")


def test_masks_are_no_labels(tmp_path: Path, images: Array) -> None:
    np.savez(tmp_path / "x.npz", images, images[..., 0])
    assert opened(f"npz:{tmp_path}/x.npz,key=arr_0").labels() is None
    assert opened(f"npz:{tmp_path}/x.npz,key=arr_1").labels() is None
    assert opened(TensorDataset(*[torch.from_numpy(images)] * 2)).labels() is None


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([1, 2, 3], r"type int64 and shape \[3\]; needed: 7 integers"),
        (np.arange(7.0), "type float64"),
        ([0, 1, 2, -1, 4, 5, 6], "label -1 of image 3"),
        (np.zeros((7, 4)), r"shape \[7, 4\]"),
        (np.ones((7, 4), int), r"shape \[7, 4\]"),
        (np.full((7, 4), 0.25), r"shape \[7, 4\]"),
        (np.array([["a", "b"]] * 7), r"shape \[7, 2\]"),
    ],
)
def test_what_cannot_be_labels_is_refused_where_they_are_asked_for(
    tmp_path: Path, images: Array, values: Any, found: str
) -> None:
    np.savez(tmp_path / "x.npz", arr_0=images, labels=values)
    source = opened(tmp_path / "x.npz")
    assert source.load([6])[0].picture().pixels.shape == (3, 9, 11)
    with pytest.raises(InputError, match=f"x.npz.*{found}"):
        source.labels()
    with pytest.raises(InputError, match=found):
        opened(Images(images, labels=values))


@pytest.mark.parametrize("key", ["labels", "targets", "y"])
def test_tensors_in_a_file_are_labels(tmp_path: Path, images: Array, key: str) -> None:
    tensors = {"images": torch.from_numpy(images), key: torch.arange(7)}
    torch.save(tensors, tmp_path / "x.pt")
    text = f"tensor:{tmp_path}/x.pt" + (",labels=y" if key == "y" else "")
    assert opened(text).labels() == tuple("0123456")
    torch.save(tensors["images"], tmp_path / "alone.pt")
    assert opened(tmp_path / "alone.pt").labels() is None


@pytest.mark.parametrize("labels", [[0, 1, 2, 3, 4, 5, 6], torch.arange(7), np.arange(7)])
def test_images_take_labels(images: Array, labels: Any) -> None:
    for data in (
        images,
        torch.from_numpy(images),
        list(images),
        TensorDataset(torch.from_numpy(images.transpose(0, 3, 1, 2))),
    ):
        assert opened(Images(data)).labels() is None
        assert opened(Images(data, labels=labels)).labels() == tuple("0123456")


class Classified(Dataset[Any]):
    """Pictures that may not be opened, and their classes beside them."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        raise AssertionError(index)


@pytest.mark.parametrize("key", ["targets", "labels", "_labels"])
@pytest.mark.parametrize("kind", [list, np.array, torch.tensor])
def test_data_sets_tell_their_labels_without_reading(key: str, kind: Any) -> None:
    data = Classified(**{key: kind([5, 0, 5, 2])})
    assert opened(data).labels() == ("5", "0", "5", "2")
    assert opened(DataLoader(data)).labels() == ("5", "0", "5", "2")
    parts = ConcatDataset([Subset(data, [3, 1]), data])
    assert opened(parts).labels() == ("2", "0", "5", "0", "5", "2")
    assert opened(ConcatDataset([data, Classified()])).labels() is None
    assert opened(Subset(Classified(), [1])).labels() is None


def test_data_sets_transform_their_labels() -> None:
    data = Classified(targets=[5, 0, 5, 2], target_transform=lambda number: number // 2)
    assert opened(data).labels() == ("2", "0", "2", "1")


@pytest.mark.parametrize(
    "labels", [["cat", "dog"], [[1, 2], [0, 1], [1, 1], [3, 4]], [0, 1, -1, 2]]
)
def test_other_things_of_that_name_are_refused_where_labels_are_asked_for(labels: Any) -> None:
    source = opened(Images(Classified(labels=labels), name="mine"))
    with pytest.raises(InputError, match=r"mine: label.*ganeval\.Images\(data, labels"):
        source.labels()
    data = Images(Classified(labels=labels), labels=["a", "b", "a", "b"])
    assert opened(data).labels() == ("a", "b", "a", "b")


def test_a_tensor_data_set_has_labels_second(images: Array) -> None:
    pictures = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    assert opened(TensorDataset(pictures, torch.arange(7))).labels() == tuple("0123456")
    assert opened(TensorDataset(pictures, torch.rand(7))).labels() is None


def test_an_image_folder_has_the_names_of_its_folders(
    tmp_path: Path, classes: Files, make_folder: Any
) -> None:
    """Its numbers are counted from the folders that are there, and mean others elsewhere."""
    data = ImageFolder(str(make_folder(tmp_path / "x", classes)))
    source = opened(data)
    assert source.labels() == ("cat", "cat", "dog", "na\u00efve")
    assert list(source.names()) == NAMES
    part = opened(Subset(data, [2, 0]))
    assert (list(part.names()), part.labels()) == (["dog/0.png", "cat/0.png"], ("dog", "cat"))
    assert opened(f"folder:{tmp_path}/x,labels=folders").labels() == source.labels()


def test_a_list_of_paths_has_their_names(tmp_path: Path, classes: Files, make_folder: Any) -> None:
    root = make_folder(tmp_path / "x", classes)
    assert list(opened([root / name for name in NAMES]).names()) == NAMES
    assert list(opened([str(root / "cat" / "0.png")]).names()) == ["0.png"]
    assert list(opened([np.zeros((9, 9, 3), np.uint8)] * 4).names()) == list("0123")


class Recorder(torch.nn.Module):
    """Notes the labels that it is called with."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def forward(self, latents: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        self.seen += labels.argmax(1).tolist() if labels.ndim == 2 else labels.tolist()
        return torch.tanh(latents)[:, :, None, None].expand(-1, 3, 8, 8)


@pytest.mark.parametrize("policy", ["uniform", "balanced"])
@pytest.mark.parametrize("form", ["index", "onehot"])
def test_a_generator_knows_the_classes_that_it_will_draw(policy: Any, form: Any) -> None:
    network = Recorder()
    source = opened(
        Generator(
            network,
            latent_size=3,
            value_range=(-1, 1),
            num_images=32,
            num_classes=5,
            label_policy=policy,
            label_form=form,
        )
    )
    network.seen.clear()
    labels = source.labels()
    assert not network.seen
    source.load(range(32))
    assert labels == tuple(map(str, network.seen))


def test_a_generator_without_classes_has_no_labels() -> None:
    network = torch.nn.Sequential(
        torch.nn.Linear(4, 192), torch.nn.Unflatten(1, (3, 8, 8)), torch.nn.Tanh()
    )
    source = opened(Generator(network, latent_size=4, value_range=(-1, 1), num_images=3))
    assert source.labels() is None
    assert list(source.names()) == ["0", "1", "2"]


def test_digits_have_classes() -> None:
    for name in ("digits", "edges"):
        labels = opened(f"data:{name},split=test").labels()
        assert labels is not None
        assert sorted(set(labels)) == list("0123456789")
        assert len(labels) == 360


def test_a_source_of_an_older_kind_is_refused_by_what_it_lacks() -> None:
    class Old:
        info = None
        load = unusable = __len__ = len

    with pytest.raises(InputError, match="Old: a source without names and labels"):
        opened(Old())
