"""Data sets by name: scikit-learn's digits, pictures made from them, and torchvision's."""

import contextlib
import functools
import importlib
import sys
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np
import numpy.typing as npt
from torch.utils.data import ConcatDataset, Dataset

from ganeval.errors import ResourceError
from ganeval.images.picture import DecodePolicy
from ganeval.machine.folders import cache_folder
from ganeval.registry import unknown
from ganeval.sources.arrays.memory import dataset_source
from ganeval.sources.arrays.pixels import ReadySource, array_source, to_picture
from ganeval.sources.edges import edge_map
from ganeval.sources.files.picture_options import PictureOptions
from ganeval.sources.fit import Fit
from ganeval.sources.labels import array_labels
from ganeval.sources.tint import tinted

DigitsSplit = Literal["train", "test", "all"]

_OF_DIGITS = {"edges": edge_map, "tint": tinted}
"""Functions that make a data set from the digits at their final size, by its name."""
_EMBEDDED = ("digits", *_OF_DIGITS)

_NUM_DIGITS_TEST = 360  # of 1,797


@dataclass(frozen=True, slots=True)
class _Entry:
    """A data set of torchvision: its class, and the constructor's argument for each split."""

    class_name: str
    splits: Mapping[str, Mapping[str, object]]


_BY_FLAG = {"train": {"train": True}, "test": {"train": False}}
_BY_NAME = {"train": {"split": "train"}, "test": {"split": "test"}}

DATA_SETS = {
    "mnist": _Entry("MNIST", _BY_FLAG),
    "fashion-mnist": _Entry("FashionMNIST", _BY_FLAG),
    "kmnist": _Entry("KMNIST", _BY_FLAG),
    "cifar10": _Entry("CIFAR10", _BY_FLAG),
    "cifar100": _Entry("CIFAR100", _BY_FLAG),
    "svhn": _Entry("SVHN", _BY_NAME),
    "stl10": _Entry("STL10", _BY_NAME | {"unlabeled": {"split": "unlabeled"}}),
    "celeba": _Entry("CelebA", _BY_NAME | {"valid": {"split": "valid"}}),
    "flowers102": _Entry("Flowers102", _BY_NAME | {"val": {"split": "val"}}),
    "food101": _Entry("Food101", _BY_NAME),
    "pets": _Entry("OxfordIIITPet", {"train": {"split": "trainval"}, "test": {"split": "test"}}),
}
"""torchvision's data sets by our names; `split=all` joins the splits in the order listed."""

# What torchvision raises when a download fails or the folder holds unexpected files.
_FAILURES = (
    OSError,
    RuntimeError,
    ImportError,
    EOFError,
    ValueError,
    zipfile.BadZipFile,
    tarfile.TarError,
)


@dataclass(frozen=True, slots=True)
class Data(PictureOptions):
    """Read a data set by name: digits, edges, tint (embedded), mnist and others of torchvision."""

    location: str
    split: str = field(default="train", kw_only=True)

    def open(
        self, policy: DecodePolicy, *, offline: bool = False, written: str | None = None
    ) -> ReadySource:
        """Load the data set; download it first if it is missing and `offline` is not set.

        Args:
            policy: How pictures become 8-bit RGB.
            offline: Download nothing.
            written: The user's name for the source, if not `data:` and its name.

        Raises:
            UsageError: There is no such data set or split.
            ResourceError: It is not here and cannot be downloaded.
        """
        fit, policy = self.fit, self.over(policy)
        name = f"data:{self.location}"
        where = written or name
        if self.location in _EMBEDDED:
            if self.split not in get_args(DigitsSplit):
                raise unknown(f"split of {self.location}", self.split, get_args(DigitsSplit))
            images, classes = digits(cast(DigitsSplit, self.split))
            if self.location in _OF_DIGITS:
                resized = [fit(to_picture(image[None])).pixels[0] for image in images]
                images, fit = _OF_DIGITS[self.location](np.stack(resized)), Fit()
            return array_source(
                images,
                kind="data",
                location=where,
                name=name,
                fit=fit,
                labelled=partial(array_labels, classes, num=len(images), name=name),
            )
        dataset = torchvision_dataset(self.location, self.split, offline=offline)
        return dataset_source(
            dataset, kind="data", location=where, name=name, policy=policy, fit=fit
        )


def digits(split: DigitsSplit) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Return scikit-learn's handwritten digits and their classes.

    The values 0..16 become `round(v * 255 / 16)`. "test" are 360 pictures, drawn by
    `train_test_split(test_size=360, stratify=classes, random_state=0)`, "train" the other 1,437;
    both keep the order of "all", the 1,797 as scikit-learn has them.

    Returns:
        uint8 [N, 8, 8] and int64 [N], 0 to 9.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    bunch = load_digits()
    images = np.rint(bunch.images * 255 / 16).astype(np.uint8)
    classes = bunch.target.astype(np.int64)
    chosen = np.arange(len(images))
    if split != "all":
        parts = train_test_split(
            chosen, test_size=_NUM_DIGITS_TEST, stratify=classes, random_state=0
        )
        chosen = np.sort(parts[0] if split == "train" else parts[1])
    return images[chosen], classes[chosen]


def torchvision_dataset(name: str, split: str, *, offline: bool) -> Dataset[Any]:
    """Return a data set of torchvision, downloaded to `datasets` in the cache folder if need be.

    Raises:
        UsageError: There is no such data set or split.
        ResourceError: It is not there, and `offline` is set or the download failed.
    """
    if name not in DATA_SETS:
        raise unknown("data set", name, (*_EMBEDDED, *DATA_SETS))
    entry = DATA_SETS[name]
    if split != "all" and split not in entry.splits:
        raise unknown(f"split of {name}", split, (*entry.splits, "all"))
    chosen = list(entry.splits) if split == "all" else [split]
    root = cache_folder() / "datasets"
    make = getattr(importlib.import_module("torchvision.datasets"), entry.class_name)
    parts = [
        _construct(functools.partial(make, str(root), **entry.splits[part]), name, root, offline)
        for part in chosen
    ]
    return parts[0] if len(parts) == 1 else ConcatDataset(parts)


def _construct(
    make: Callable[..., Dataset[Any]], name: str, root: Path, offline: bool
) -> Dataset[Any]:
    """Open a data set, or download it if it is missing; torchvision's output goes to stderr."""
    with contextlib.redirect_stdout(sys.stderr):
        try:
            return make(download=False)
        except _FAILURES as error:
            if offline:
                raise ResourceError(
                    f"data:{name}: not in {root}, and nothing is downloaded offline",
                    "the files of the data set in torchvision's layout",
                    "run once without --offline, copy them there, or use a folder of its pictures",
                ) from error
        try:
            return make(download=True)
        except _FAILURES as error:
            raise ResourceError(
                f"data:{name}: cannot be downloaded to {root} ({error})",
                "a network connection, or the files in torchvision's layout",
                "download it elsewhere and copy it there, or use a folder of its pictures",
            ) from error
