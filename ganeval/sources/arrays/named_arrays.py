"""Choose the array of a file that holds images, clips or labels; recognise statistics."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from ganeval.errors import InputError
from ganeval.registry import unknown

_MEANS = ("mu", "mean", "m")
_COVARIANCES = ("sigma", "cov", "s")
_SAMPLES = ("int8", "uint8", "int16", "uint16", "int32")


@dataclass(frozen=True, slots=True)
class ArrayType:
    """The shape and type of an array, known before it is read.

    Attributes:
        shape: Its shape.
        dtype: The name of its type, as NumPy has it ("uint8", "float32").
    """

    shape: Sequence[int]
    dtype: str

    def may_be_images(self) -> bool:
        """Tell whether it has the type and the axes of images."""
        return len(self.shape) in (3, 4) and (self.dtype == "uint8" or self.is_floating())

    def may_be_clips(self) -> bool:
        """Tell whether it has the type and the axes of clips of sound."""
        return len(self.shape) in (2, 3) and (self.dtype in _SAMPLES or self.is_floating())

    def is_floating(self) -> bool:
        """Tell whether its values are floats."""
        return "float" in self.dtype

    def __str__(self) -> str:
        return f"{self.dtype} {list(self.shape)}"


def choose_array(
    arrays: Mapping[str, ArrayType], key: str | None, *, kind: str, location: str
) -> str:
    """Return the key of the array that holds the images.

    That is the one asked for, else the only one with the type and the axes of images. If there are
    several, none is preferred: masks are uint8 too, and pictures may be floats.

    Raises:
        UsageError: There is no array of that key.
        InputError: No array or several may be images, or the file holds statistics.
    """
    if key is not None:
        if key not in arrays:
            raise unknown(f"array of {location}", key, arrays)
        return key
    fitting = [name for name, array in arrays.items() if array.may_be_images()]
    if len(fitting) == 1:
        return fitting[0]
    names = statistics_among(arrays) if not fitting else None
    if names is not None:
        raise InputError(
            f"{location}: holds statistics, not images", "images", _use_of(names, kind, location)
        )
    points = [name for name, one in arrays.items() if len(one.shape) == 2 and one.is_floating()]
    if not fitting and points and {"step", "seed"} <= arrays.keys():  # as `ganeval train` writes
        raise InputError(
            f"{location}: samples of a generator of points ({points[0]} {arrays[points[0]]})",
            "images, or a generator of them",
            "score points while they are trained (`ganeval train --eval-every N`), or read them "
            f"with `numpy.load(FILE)['{points[0]}']`",
        )
    found = ", ".join(f"{name} {array}" for name, array in arrays.items()) or "it is empty"
    if fitting:
        raise InputError(
            f"{location}: several arrays that may be images ({found})",
            "the key of one",
            f"write `{kind}:{location},key={fitting[0]}`",
        )
    raise InputError(
        f"{location}: no array that may be images ({found})",
        "uint8 or floats with three or four axes, such as [N, H, W, 3]",
        "save them again with `numpy.savez(FILE, images)`",
    )


def choose_clips(
    arrays: Mapping[str, ArrayType], key: str | None, *, kind: str, location: str
) -> str:
    """Return the key of the array that holds clips: the one asked for, else the only possible one.

    Raises:
        UsageError: There is no array of that key.
        InputError: No array or several may be clips.
    """
    if key is not None:
        if key not in arrays:
            raise unknown(f"array of {location}", key, arrays)
        return key
    fitting = [name for name, array in arrays.items() if array.may_be_clips()]
    if len(fitting) == 1:
        return fitting[0]
    found = ", ".join(f"{name} {array}" for name, array in arrays.items()) or "it is empty"
    if fitting:
        raise InputError(
            f"{location}: several arrays that may be clips ({found})",
            "the key of one",
            f"write `{kind}:{location},key={fitting[0]}`",
        )
    raise InputError(
        f"{location}: no array that may be clips ({found})",
        "floats or integers [n, samples] or [n, channels, samples]",
        "save them again with `numpy.savez(FILE, samples=samples, rate=16000)`",
    )


def choose_labels(
    arrays: Mapping[str, ArrayType],
    key: str | None,
    *,
    usual: Sequence[str],
    location: str,
) -> str | None:
    """Return the key of the array that holds the labels of the images, None if there is none.

    Args:
        arrays: All arrays of the file.
        key: The key asked for; None: the first usual key whose array may be labels.
        usual: The keys that labels usually have.
        location: The file.

    Raises:
        UsageError: There is no array of that key.
    """
    if key is not None:
        if key not in arrays:
            raise unknown(f"array of {location}", key, arrays)
        return key
    fitting = [name for name in usual if name in arrays and len(arrays[name].shape) in (1, 2)]
    return fitting[0] if fitting else None


def statistics_among(arrays: Mapping[str, ArrayType]) -> tuple[str, str] | None:
    """Return the keys of a mean and a covariance: by their names, else the only [d] and [d, d]."""
    for mean, covariance in zip(_MEANS, _COVARIANCES, strict=True):
        if mean in arrays and covariance in arrays:
            return mean, covariance
    vectors = [name for name, one in arrays.items() if len(one.shape) == 1 and one.is_floating()]
    squares = [
        (vector, name)
        for vector in vectors
        for name, one in arrays.items()
        if [*one.shape] == [arrays[vector].shape[0]] * 2 and one.is_floating()
    ]
    return squares[0] if len(squares) == 1 else None


def _use_of(names: tuple[str, str], kind: str, location: str) -> str:
    """Return what to do with statistics: use them as they are, or convert them."""
    if kind == "npz" and names[0] in _MEANS and names[1] in _COVARIANCES:
        return "use it as the reference of `ganeval fid`, or name the pictures it was made from"
    read = "numpy.load(a)" if kind == "npz" else "torch.load(a,weights_only=True)"
    return f"convert it with `{conversion(location, read, names)}`, and use that as the reference"


def conversion(location: str, read: str, names: tuple[str, str]) -> str:
    """Return the command that converts a statistics file to our format.

    Args:
        location: The file.
        read: The Python expression that reads the mapping of its arrays from the file `a`.
        names: The keys of mean and covariance in it.
    """
    mean, covariance = (json.dumps(name) for name in names)
    modules = "sys,numpy,torch" if "torch" in read else "sys,numpy"
    code = (
        f"import {modules};a,b=sys.argv[1:];c={read};"
        f"numpy.savez(b,mu=c[{mean}],sigma=c[{covariance}])"
    )
    target = str(PurePath(location).with_suffix(".stats.npz"))
    return shlex.join(["python", "-c", code, location, target])
