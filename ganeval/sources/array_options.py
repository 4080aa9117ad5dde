"""The options that every kind of source with arrays of pixels has."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ganeval.errors import InputError
from ganeval.generators.options import parse_range
from ganeval.images.image import DecodePolicy
from ganeval.sources.arrays import ReadySource
from ganeval.sources.fit import Crop, Fit
from ganeval.sources.memory import Images, images_source


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayOptions:
    """What an array does not say of its pictures.

    Attributes:
        size: See `Fit`.
        crop: See `Fit`.
        value_range: `LOW,HIGH` or `LOW:HIGH`, what floats span; None: the command's `float_range`.
    """

    size: int | None = None
    crop: Crop = "none"
    value_range: str | None = None

    def source(
        self,
        images: npt.NDArray[Any] | torch.Tensor,
        kind: str,
        location: str,
        *,
        written: str | None,
        policy: DecodePolicy,
    ) -> ReadySource:
        """Return the images of a file as a source; see `images_source`.

        Raises:
            InputError: Another type or shape, or floats without a range.
            UsageError: A range that is none, or of uint8.
        """
        fit = Fit(self.size, self.crop)
        value_range = None if self.value_range is None else parse_range(self.value_range)
        if isinstance(images, np.ndarray) and images.dtype.kind == "f":
            # What torch knows: of this machine's byte order, 8 bytes at most.
            images = images.astype(f"f{min(images.dtype.itemsize, 8)}", copy=False)
        floats = images.dtype not in (np.dtype("uint8"), torch.uint8)
        if floats and value_range is None:
            value_range = policy.float_range
        if floats and value_range is None:
            raise InputError(
                f"{location}: values of type {str(images.dtype).removeprefix('torch.')}",
                "uint8 from 0 to 255, or floats with a range (in Python: ganeval.Images)",
                f"for floats from -1 to 1 write `{kind}:{location},value_range=-1,1`",
            )
        return images_source(
            Images(images, value_range=value_range, name=location),
            policy=policy,
            kind=kind,
            location=written,
            fit=fit,
        )
