"""PyTorch data sets: labels and names before any item is read, and a list as a data set."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import ConcatDataset, Dataset, Subset, TensorDataset

from ganeval.errors import InputError
from ganeval.sources.arrays.pixels import numbers
from ganeval.sources.labels import array_labels

_IN_PYTHON = "give them yourself: ganeval.Images(data, labels=[...])"


class ListedImages(Dataset[Any]):
    """A list of images, or of paths to pictures, as a data set."""

    def __init__(self, images: Sequence[Any]) -> None:
        self._images = images

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Any:
        one = self._images[index]
        return (Path(one) if isinstance(one, str) else one,)

    def names(self) -> list[str] | None:
        """Return the paths relative to their common folder; None for a list of images."""
        if not all(isinstance(one, str | os.PathLike) for one in self._images):
            return None
        paths = [Path(one) for one in self._images]
        root = os.path.commonpath([path.absolute().parent for path in paths])
        return [path.absolute().relative_to(root).as_posix() for path in paths]


def dataset_labels(dataset: Dataset[Any], *, num: int, name: str) -> tuple[str, ...] | None:
    """Return the labels that a data set has beside its images, None if it has none.

    They are its `targets` or `labels`, after its `target_transform`, or the second tensor of a
    TensorDataset; a Subset or ConcatDataset takes the labels of its parts. No item is read. The
    class numbers of torchvision's `ImageFolder` become the names of the folders again.

    Raises:
        InputError: These attributes hold something other than labels.
    """
    labels = _of_parts(dataset, _own_labels)
    if labels is None:
        return None
    try:
        return array_labels(labels, num=num, name=name)
    except InputError as error:
        raise InputError(error.found, error.needed, _IN_PYTHON) from error


def dataset_names(dataset: Dataset[Any], *, num: int) -> Sequence[str]:
    """Return the paths of the pictures in a list of paths or torchvision's `ImageFolder`.

    A Subset or ConcatDataset takes the names of its parts. The items of other data sets are
    numbered.
    """
    names = _of_parts(dataset, _own_names)
    return numbers(num) if names is None or len(names) != num else names


def _of_parts(
    dataset: Dataset[Any], own: Callable[[Dataset[Any]], Sequence[Any] | None]
) -> Sequence[Any] | None:
    """Return a value for each item; a Subset or ConcatDataset takes the values of its parts.

    Args:
        dataset: The data set.
        own: Returns the values of a data set that is not made of others; None if it has none.
    """
    if isinstance(dataset, Subset):
        whole = _of_parts(dataset.dataset, own)
        return None if whole is None else [whole[index] for index in dataset.indices]
    if isinstance(dataset, ConcatDataset):
        parts = [_of_parts(part, own) for part in dataset.datasets]
        if any(part is None for part in parts):
            return None
        return [one for part in parts if part is not None for one in part]
    return own(dataset)


def _own_labels(dataset: Any) -> Sequence[Any] | None:
    """Return the labels of a data set that is not made of others, in its own form."""
    if isinstance(dataset, TensorDataset):
        for second in dataset.tensors[1:2]:
            if second.ndim <= 2 and not second.is_floating_point():
                return list(second.cpu().numpy())
        return None
    # torchvision calls them `targets` in most classes, `labels` or `_labels` in others.
    names = ("targets", "labels", "_labels")
    labels = next((getattr(dataset, name) for name in names if hasattr(dataset, name)), None)
    if labels is None or not hasattr(labels, "__len__"):
        return None
    labels = labels.cpu().numpy() if isinstance(labels, torch.Tensor) else labels
    transform = getattr(dataset, "target_transform", None)
    if transform is not None:
        return [transform(label) for label in labels]
    classes = dataset.classes if _is_folder(dataset) else ()
    if classes and all(isinstance(name, str) for name in classes):
        return [classes[number] for number in labels]
    return list(labels)


def _own_names(dataset: Any) -> Sequence[str] | None:
    """Return the names of the items of a data set that is not made of others."""
    if isinstance(dataset, ListedImages):
        return dataset.names()
    if not _is_folder(dataset):
        return None
    return [Path(os.path.relpath(path, dataset.root)).as_posix() for path, _ in dataset.samples]


def _is_folder(dataset: Any) -> bool:
    """Tell whether a data set is a folder of torchvision's, without importing torchvision."""
    folders = getattr(sys.modules.get("torchvision.datasets.folder"), "DatasetFolder", None)
    return folders is not None and isinstance(dataset, folders)
