"""From whatever a user names to a source."""

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from ganeval.errors import InputError, UsageError
from ganeval.generators.functions import name_of
from ganeval.generators.options import parse_range
from ganeval.images.picture import DecodePolicy
from ganeval.sources.base import Source
from ganeval.sources.generator import Generator, generator_source
from ganeval.sources.index import Index
from ganeval.sources.kinds import open_text
from ganeval.sources.memory import Images, images_source

_METHODS = ("unusable", "names", "labels", "__len__")


def open_source(
    thing: Any,
    *,
    policy: DecodePolicy,
    offline: bool = False,
    generator: Mapping[str, Any] | None = None,
    index: Index | None = None,
) -> Source:
    """Return what a user names as a source of images.

    Args:
        thing: A path to a folder, a zip, tar, npz or npy file or a generator's file, recognised by
            its content;
            `kind:path,option=value,...` (`ganeval list sources`); a uint8 tensor or array,
            [N, 3, H, W], [N, H, W, 3] or the same with 1 channel; a PyTorch data set with a length,
            or a DataLoader that gives each of its items once; a list of Pillow images, of tensors
            [3, H, W], of arrays [H, W, 3] or of paths to pictures; any of these as `Images`; a
            network as `Generator`, or as it is where the options say how it is called; a `Source`,
            which is returned as it is.
        policy: How pictures that are not plain 8-bit RGB become it.
        offline: Download nothing.
        generator: Options of a generator's file that its text does not give (`num_images`,
            `entry`); of these a `Generator` takes `num_images` if it has none.
        index: What is known of the files of this machine; None reads them all.

    Raises:
        InputError: There is nothing, or nothing usable, under that name.
        UsageError: An unknown kind or option, or a value that does not fit it.
        ResourceError: A data set that cannot be downloaded.
    """
    if isinstance(thing, str | bytes | os.PathLike):
        return open_text(
            os.fsdecode(thing), policy, offline=offline, generator=generator, index=index
        )
    if isinstance(thing, Images):
        return images_source(thing, policy=policy)
    if isinstance(thing, Generator):
        if thing.num_images is None:
            thing = dataclasses.replace(thing, num_images=(generator or {}).get("num_images"))
        return generator_source(thing, policy=policy)
    if isinstance(thing, torch.Tensor | np.ndarray | Dataset | list | tuple | DataLoader):
        return images_source(Images(thing), policy=policy)
    if hasattr(thing, "info") and hasattr(thing, "load"):
        missing = [name for name in _METHODS if not hasattr(thing, name)]
        if missing:
            raise InputError(
                f"{type(thing).__name__}: a source without {' and '.join(missing)}",
                f"the methods {', '.join(_METHODS)} beside info and load",
                "add what is missing",
            )
        source: Source = thing
        return source
    if callable(thing) and not isinstance(thing, type):
        return generator_source(_bare_generator(thing, generator or {}), policy=policy)
    raise InputError(
        f"{type(thing).__name__} given as a source of images",
        "a path, a uint8 tensor or array, a list of images, or a torch.utils.data.Dataset",
        "convert it to one of these",
    )


def _bare_generator(thing: Any, options: Mapping[str, Any]) -> Generator:
    """Return a network or function as a generator, if the options say how it is fed.

    Raises:
        UsageError: They do not, or are those of a file.
    """
    name = name_of(thing)
    known = {one.name for one in dataclasses.fields(Generator)} - {"module"}
    of_files = [option for option in options if option not in known]
    if of_files:
        raise UsageError(
            f"{name}: option {of_files[0]} is given with a network in memory",
            "a generator's file, for such an option",
            "leave it out",
        )
    given = dict(options)
    if "value_range" not in given or not {"latent_size", "inputs", "condition"} & set(given):
        raise UsageError(
            f"{name}: a {'network' if isinstance(thing, torch.nn.Module) else 'function'} given as "
            "a source of images, and nothing says how it is called",
            "its latent_size and value_range",
            "wrap it as ganeval.Generator(net, latent_size=128, value_range=(-1, 1))",
        )
    given["value_range"] = parse_range(given["value_range"])
    return Generator(thing, **given)
