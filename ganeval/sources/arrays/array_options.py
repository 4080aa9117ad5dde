"""Options shared by all sources that hold arrays, of pixels or of samples."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ganeval.errors import InputError, UsageError
from ganeval.images.picture import DecodePolicy
from ganeval.images.value_range import parse_range
from ganeval.sources.arrays.pixels import Labelled, ReadySource, array_source, no_labels
from ganeval.sources.fit import Crop, Fit
from ganeval.sources.labels import array_labels

if TYPE_CHECKING:  # arrays of bytes need no torch
    import torch


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayOptions:
    """Options for what an array does not tell about its pictures or clips.

    Attributes:
        size: See `Fit`.
        crop: See `Fit`.
        value_range: `LOW,HIGH` or `LOW:HIGH`, the floats that become 0 and 255; None: the
            command's `float_range`.
        rate: Sampling rate, if the array holds clips, [n, samples] or [n, channels, samples].
            None: it holds pictures.
    """

    size: int | None = None
    crop: Crop = "none"
    value_range: str | None = None
    rate: int | None = None

    def clips(
        self,
        samples: Any,
        kind: str,
        location: str,
        rate: int,
        *,
        written: str | None,
        labels: Any = None,
    ) -> ReadySource:
        """Return the clips of a file as a source; see `clips_source`.

        Raises:
            InputError: The type or shape is wrong, or the rate is impossible.
            UsageError: An option for pictures is given.
        """
        from ganeval.sources.arrays.clips import Clips, clips_source

        for name in ("size", "crop", "value_range"):
            if getattr(self, name) not in (None, "none"):
                raise UsageError(
                    f"option '{name}' is given for clips", "options for clips", "leave it out"
                )
        labelled: Labelled = no_labels
        if labels is not None:
            labelled = partial(array_labels, labels, num=len(samples), name=location)
        return clips_source(
            Clips(samples, rate=rate, name=location),
            kind=kind,
            location=written or location,
            labelled=labelled,
        )

    def source(
        self,
        images: npt.NDArray[Any] | torch.Tensor,
        kind: str,
        location: str,
        *,
        written: str | None,
        policy: DecodePolicy,
        labels: Any = None,
    ) -> ReadySource:
        """Return the items of a file as a source; see `images_source` and `clips_source`.

        The `labels` of the file are checked only when they are asked for.

        Raises:
            InputError: The type or shape is wrong, or floats have no range.
            UsageError: The range is invalid, or given for uint8.
        """
        if self.rate is not None:
            return self.clips(images, kind, location, self.rate, written=written, labels=labels)
        fit = Fit(self.size, self.crop)
        value_range = None if self.value_range is None else parse_range(self.value_range)
        if isinstance(images, np.ndarray) and images.dtype.kind == "f":
            # torch takes only this machine's byte order, and at most 8 bytes.
            images = images.astype(f"f{min(images.dtype.itemsize, 8)}", copy=False)
        if str(images.dtype).removeprefix("torch.") != "uint8":
            value_range = value_range or policy.float_range
            if value_range is None or not _is_float(images):
                raise _unclear(images, kind, location)
        labelled: Labelled = no_labels
        if labels is not None:
            labelled = partial(array_labels, labels, num=len(images), name=location)
        if isinstance(images, np.ndarray) and value_range is None:
            return array_source(
                images,
                kind=kind,
                location=written or location,
                name=location,
                fit=fit,
                labelled=labelled,
            )
        from ganeval.sources.arrays.memory import Images, images_source

        return images_source(
            Images(images, value_range=value_range, name=location),
            policy=policy,
            kind=kind,
            location=written,
            fit=fit,
            labelled=labelled,
        )


# The usual ranges of floats. As shares of a range's width: how far values may lie beyond it (see
# `check_range`), and how much of it they must span before a message suggests it.
_USUAL_RANGES = ((0, 1), (-1, 1), (0, 255))
_SLACK, _SPAN = 0.05, 0.25
_LOOKED_AT = 1024  # images, for a message


def _is_float(images: npt.NDArray[Any] | torch.Tensor) -> bool:
    """Return whether the values are floating point."""
    if isinstance(images, np.ndarray):
        return images.dtype.kind == "f"
    return images.is_floating_point()


def _unclear(images: npt.NDArray[Any] | torch.Tensor, kind: str, location: str) -> InputError:
    """Return the error for values whose black and white are unknown."""
    some = images[:_LOOKED_AT] if images.ndim else images
    values = some if isinstance(some, np.ndarray) else some.double().numpy()
    found = f"{location}: values of type {str(images.dtype).removeprefix('torch.')}"
    needed = "uint8 from 0 to 255, or floats with a range (in Python: ganeval.Images)"
    if values.dtype.kind not in "biuf":
        return InputError(found, needed, "save them again as uint8")
    values = values[np.isfinite(values)]
    least, most = (values.min().item(), values.max().item()) if values.size else (0, np.inf)
    found += f" from {float(least):.3g} to {float(most):.3g}" if values.size else ""
    if not _is_float(images):
        remedy = "bring them to 0 to 255 and save them again as `array.astype('uint8')`"
        if least >= 0 and most <= 1:
            remedy = "save them again as `(array * 255).astype('uint8')`, if 1 is white"
        elif least >= 0 and most <= 255:
            remedy = "save them again as `array.astype('uint8')`"
        return InputError(found, needed, remedy)
    ends, condition = "LOW,HIGH", "with the values that stand for black and white"
    for low, high in _USUAL_RANGES:
        slack, span = _SLACK * (high - low), _SPAN * (high - low)
        if low - slack <= least and most <= high + slack and most - least >= span:
            ends, condition = f"{low},{high}", f"if {low} is black and {high} is white"
            break
    return InputError(
        found,
        needed,
        f"write `{kind}:{location},value_range={ends}`, or add `--float-range {ends}`, {condition}",
    )
