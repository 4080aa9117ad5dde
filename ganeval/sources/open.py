"""The table of sources, and from whatever a user names to a source."""

import os
import re
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from ganeval.errors import InputError, UsageError
from ganeval.images.image import DecodePolicy
from ganeval.registry import Registry, parse_options, unknown
from ganeval.sources.base import Source
from ganeval.sources.generator import Generator, generator_source
from ganeval.sources.memory import Images, images_source
from ganeval.sources.paths import exists, kind_of, missing

SOURCES = Registry(
    "source kind",
    {
        "folder": "ganeval.sources.folder:Folder",
        "zip": "ganeval.sources.archive:Zip",
        "tar": "ganeval.sources.archive:Tar",
        "npz": "ganeval.sources.numpy_files:Npz",
        "npy": "ganeval.sources.numpy_files:Npy",
        "data": "ganeval.sources.datasets:Data",
        "generator": "ganeval.sources.checkpoint:GeneratorFile",
    },
)
"""Every entry is a frozen dataclass: `location` is positional, the other fields are its options.

Its method `open(policy, *, offline=False, written=None)` returns a `Source`; `written` is what the
user wrote, which the report calls the source by.
"""

# Two letters at least: one is a drive of Windows.
_KIND = re.compile(r"(?P<kind>[A-Za-z][A-Za-z0-9_-]+):(?P<rest>.*)", re.DOTALL)
_OPTION = re.compile(r",(?=[A-Za-z_]+=)")


def open_source(thing: Any, *, policy: DecodePolicy, offline: bool = False) -> Source:
    """Return what a user names as a source of images.

    Args:
        thing: A path to a folder, a zip, tar, npz or npy file or a generator's checkpoint,
            recognised by its content;
            `kind:path,option=value,...` with a kind of `SOURCES`; a uint8 tensor or array,
            [N, 3, H, W], [N, H, W, 3] or the same with 1 channel; a PyTorch data set with a length;
            any of these three as `Images`; a network as `Generator`; a `Source`, which is
            returned as it is.
        policy: How pictures that are not plain 8-bit RGB become it.
        offline: Download nothing.

    Raises:
        InputError: There is nothing, or nothing usable, under that name.
        UsageError: An unknown kind or option, or a value that does not fit it.
        ResourceError: A data set that cannot be downloaded.
    """
    if isinstance(thing, str | bytes | os.PathLike):
        return _open_text(os.fsdecode(thing), policy, offline)
    if isinstance(thing, Images):
        return images_source(thing, policy=policy)
    if isinstance(thing, Generator):
        return generator_source(thing)
    if isinstance(thing, torch.Tensor | np.ndarray | Dataset):
        return images_source(Images(thing), policy=policy)
    if all(hasattr(thing, name) for name in ("info", "load", "unusable", "__len__")):
        source: Source = thing
        return source
    raise InputError(
        f"{type(thing).__name__} given as a source of images",
        "a path, a uint8 tensor or array, or a torch.utils.data.Dataset",
        "convert it to one of these",
    )


def _open_text(text: str, policy: DecodePolicy, offline: bool) -> Source:
    """Open a path, or what stands behind an explicit kind."""
    if exists(text):
        source: Source = SOURCES.load(kind_of(text))(text).open(policy, offline=offline)
        return source
    match = _KIND.fullmatch(text)
    if match is None:
        raise missing(text)
    kind, (location, *options) = match["kind"], _OPTION.split(match["rest"])
    entry = SOURCES.load(kind)
    where = f"source {kind}"
    if not location:
        raise UsageError(f"'{text}' names nothing", f"{kind}:LOCATION", "add the location")
    values = parse_options(entry, options, where=where)
    if "location" in values:  # a field of the entry, but no option
        names = [name for name in entry.__dataclass_fields__ if name != "location"]
        raise unknown(f"option of {where}", "location", names)
    source = entry(location, **values).open(policy, offline=offline, written=text)
    return source
