"""Files of `torch.save` that hold images; only tensors are ever loaded."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ganeval.errors import InputError
from ganeval.images.picture import DecodePolicy
from ganeval.machine.remote_file import local_copy
from ganeval.sources.arrays.array_options import ArrayOptions
from ganeval.sources.arrays.named_arrays import (
    ArrayType,
    choose_array,
    choose_clips,
    choose_labels,
    statistics_among,
)
from ganeval.sources.arrays.pixels import ReadySource
from ganeval.sources.paths import check_regular_file, unreadable

_LABELS = ("labels", "targets")
_SAFE_TORCH = "2.10"  # before it, a crafted file corrupts memory all the same (CVE-2026-24747)


@dataclass(frozen=True, slots=True)
class TensorFile(ArrayOptions):
    """Read the images of a .pt file: a tensor, or the one under `key` in a dict, list or tuple.

    With the option `rate` they are clips.

    Their labels are the tensor `labels` or `targets`, or the one that the option `labels` names.
    """

    location: str
    key: str | None = field(default=None, kw_only=True)
    labels: str | None = field(default=None, kw_only=True)

    def open(
        self, policy: DecodePolicy, *, offline: bool = False, written: str | None = None
    ) -> ReadySource:
        """Read the tensor; see `Npy.open` for arguments and errors."""
        check_regular_file(self.location)
        try:
            with local_copy(self.location) as path:
                content = _load(path)
        except OSError as error:
            raise unreadable(self.location, error) from error
        tensors = tensors_of(content)
        if tensors is None:
            raise InputError(
                f"{self.location}: no tensors that can be read without running code",
                "images saved by torch.save(tensor, FILE)",
                "save them again, or write them to a folder",
            )
        types = {name: _type_of(tensor) for name, tensor in tensors.items()}
        key = self.key
        if key is not None or not isinstance(content, torch.Tensor):
            choose = choose_array if self.rate is None else choose_clips
            key = choose(types, key, kind="tensor", location=self.location)
        images = next(iter(tensors.values())) if key is None else tensors[key]
        chosen = choose_labels(types, self.labels, usual=_LABELS, location=self.location)
        return self.source(
            images,
            "tensor",
            self.location,
            written=written,
            policy=policy,
            labels=None if chosen is None else tensors[chosen],
        )


def holds_images(location: str) -> bool:
    """Tell whether a file of `torch.save` is a source of images, not a generator's file.

    A file that holds only a tensor is one. So is a file of statistics, so that its error can say
    what to do with them. Files in old formats are not: they would have to be read whole.
    """
    try:
        content = _load(Path(location)) if zipfile.is_zipfile(location) else None
    except (OSError, zipfile.BadZipFile):
        return False
    if isinstance(content, torch.Tensor):
        return True
    tensors = tensors_of(content) or {}
    names = statistics_among({name: _type_of(tensor) for name, tensor in tensors.items()})
    return names is not None and set(names) <= {"mu", "sigma", "mean", "cov", "m", "s"}


def tensors_of(content: Any) -> dict[str, torch.Tensor] | None:
    """Return the tensors in the content of a file, by key or position; None if there are none."""
    if isinstance(content, torch.Tensor):
        return {"0": content}
    if isinstance(content, list | tuple):
        content = dict(enumerate(content))
    entries = content.items() if isinstance(content, Mapping) else ()
    found = {str(key): one for key, one in entries if isinstance(one, torch.Tensor)}
    return found or None


def _type_of(tensor: torch.Tensor) -> ArrayType:
    """Return the shape and type of a tensor."""
    return ArrayType(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))


def _load(path: Path) -> Any:
    """Return what a file of `torch.save` holds; None if that cannot be read without running code.

    Raises:
        OSError: The file cannot be read.
    """
    if torch.__version__ < _SAFE_TORCH:
        return None
    with path.open("rb") as file:
        mapped = file.read(4) == b"PK\x03\x04"  # a zip can be mapped; others are read whole
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except OSError:
        raise
    except Exception:  # a damaged or hostile pickle may raise anything at all
        return None
