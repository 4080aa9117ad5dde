"""A generator as a function of its latents, and pictures to compare with its images."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ganeval.errors import InputError
from ganeval.generators.decoder import Decoder, decoder_of
from ganeval.images.picture import DecodePolicy
from ganeval.sources.base import Source
from ganeval.sources.generator import Generator, GeneratorSource
from ganeval.sources.open import open_source


def open_decoder(
    generator: str | os.PathLike[str] | Generator, options: Mapping[str, Any]
) -> tuple[Decoder, GeneratorSource]:
    """Return a generator as a function of its latents, and as a source.

    Args:
        generator: The path of a checkpoint, a source text with options, or a `Generator`.
        options: Options that a text does not give; see `GeneratorOptions`, and `seed`, `device`.

    Raises:
        InputError: It is not a generator of one latent vector.
        UsageError: An option is missing or does not fit.
        ResourceError: The device is not there.
    """
    source = open_source(
        generator,
        policy=DecodePolicy(),
        generator=None if isinstance(generator, Generator) else options,
    )
    if not isinstance(source, GeneratorSource):
        raise InputError(
            f"{generator}: a source of images of kind {source.info.kind}",
            "a generator's file",
            "name one",
        )
    return decoder_of(source.sampler), source


def pixels_of(source: Source, indices: Sequence[int]) -> npt.NDArray[np.uint8]:
    """Return pictures of a source that have one size, RGB uint8 [N, 3, H, W].

    Raises:
        InputError: One cannot be decoded, or they have several sizes.
    """
    pictures = [item.picture().pixels for item in source.load(indices)]
    sizes = {picture.shape for picture in pictures}
    if len(sizes) > 1:
        shown = " and ".join(f"{width}x{height}" for _, height, width in sorted(sizes)[:2])
        raise InputError(
            f"{source.info.location}: pictures of {shown} pixels",
            "pictures of one size",
            "add ,size=N to the source, as in folder:real/,size=64",
        )
    return np.stack(pictures)
