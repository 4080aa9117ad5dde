"""Turn objects in memory into sources: arrays, data sets, networks, sources."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from ganeval.audio.clip import Clip
from ganeval.errors import InputError, UsageError
from ganeval.generators.functions import name_of
from ganeval.images.picture import DecodePolicy
from ganeval.images.value_range import parse_range
from ganeval.sources.arrays.clips import Clips, clips_source
from ganeval.sources.arrays.memory import Images, images_source
from ganeval.sources.base import Source
from ganeval.sources.generator import Generator, generator_source

_METHODS = ("unusable", "names", "labels", "__len__")


def source_of(thing: Any, *, policy: DecodePolicy, generator: Mapping[str, Any]) -> Source:
    """Return an object in memory as a source; see `open_source` for arguments and errors."""
    if isinstance(thing, Images):
        return images_source(thing, policy=policy)
    if isinstance(thing, Clips):
        return clips_source(thing)
    if isinstance(thing, list | tuple) and thing and all(isinstance(one, Clip) for one in thing):
        return clips_source(Clips(thing))
    if isinstance(thing, Generator):
        if thing.num_images is None:
            thing = dataclasses.replace(thing, num_images=generator.get("num_images"))
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
        return generator_source(_bare_generator(thing, generator), policy=policy)
    raise InputError(
        f"{type(thing).__name__} given as a source of images or clips",
        "a path, a uint8 tensor or array, a list of images, a torch.utils.data.Dataset, or "
        "ganeval.Clips",
        "convert it to one of these",
    )


def _bare_generator(thing: Any, options: Mapping[str, Any]) -> Generator:
    """Return a network or function as a generator, if the options say how to call it.

    Raises:
        UsageError: They do not, or an option is for files.
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
            "a source of images, but nothing says how to call it",
            "its latent_size and value_range",
            "wrap it as ganeval.Generator(net, latent_size=128, value_range=(-1, 1))",
        )
    given["value_range"] = parse_range(given["value_range"])
    return Generator(thing, **given)
