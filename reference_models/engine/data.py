"""Training data: batches that depend only on the seed and the position."""

import difflib
import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from torch import Tensor, device

import ganeval

DATA: dict[str, str] = {
    "ring8": "reference_models.data.densities:ring8",
    "grid25": "reference_models.data.densities:grid25",
    "mix1d": "reference_models.data.densities:mix1d",
    "digits": "reference_models.data.digits:digits",
    "edges": "reference_models.data.digits:edges",
    "tint": "reference_models.data.digits:tint",
    "sr": "reference_models.data.digits:sr",
    "shapes": "reference_models.data.shapes:shapes",
    "stacked": "reference_models.data.stacked:stacked",
    "tones": "reference_models.data.tones:tones",
    "lagchain": "reference_models.data.lagchain:lagchain",
}
"""Data that need no files: name -> "module:function". The arguments of the function are the options
that `open_data` passes on."""

Kind = Literal["pictures", "points", "clips"]
Shape = tuple[int, ...]

_SOURCES: Mapping[Kind, str] = {
    "pictures": "reference_models.data.sources:source_pictures",
    "clips": "reference_models.data.sounds:source_clips",
}
"""Readers of a user's own data: kind -> "module:function"."""


class Batch:
    """Some items, in order: named tensors, each with the items on its first axis.

    Pictures are float32 [B, C, H, W] in [-1, 1], clips of sound float32 [B, C, T] in [-1, 1] and
    points float32 [B, d]. "real" are the items that a model learns to make. "labels" are their
    classes, int64 [B]. "condition" is the input from which each item is to be made. Data may have
    other tensors.

    Attributes:
        size: Number of items. A batch may have only a size, for a move that uses no data.
    """

    __slots__ = ("_tensors", "size")

    def __init__(self, tensors: Mapping[str, Tensor], *, size: int | None = None) -> None:
        """Take the tensors by name, or only a size."""
        self._tensors = dict(tensors)
        self.size = len(next(iter(tensors.values()))) if size is None else size

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its tensors."""
        return tuple(self._tensors)

    def __getitem__(self, name: str) -> Tensor:
        return self._tensors[name]

    def to(self, device: device) -> "Batch":
        """Return the batch on a device."""
        moved = {
            name: tensor.to(device, non_blocking=True) for name, tensor in self._tensors.items()
        }
        return Batch(moved, size=self.size)

    def part(self, number: int, parts: int) -> "Batch":
        """Return one of several equal parts, counted from 0; their number must divide the size."""
        size = self.size // parts
        rows = slice(number * size, (number + 1) * size)
        return Batch({name: one[rows] for name, one in self._tensors.items()}, size=size)


class Data(Protocol):
    """An endless stream of items for each seed, which can be read from any position."""

    @property
    def name(self) -> str:
        """Name of the data."""

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the content, or of the definition of a density."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one item: (d,), (C, H, W) or (C, T)."""

    @property
    def kind(self) -> Kind:
        """What one item is."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tensors in its batches."""

    @property
    def num_classes(self) -> int | None:
        """Number of its classes; None without labels."""

    def source_of(self, name: str) -> str | None:
        """Return the source in which ganeval finds items like the tensor `name`, or None.

        A model with a condition is sampled with inputs from this source.
        """

    def batch(self, seed: int, position: int, size: int) -> Batch:
        """Return the items number `position` to `position + size - 1` of the stream of `seed`.

        It is a pure function: the stream does not depend on how it is cut into batches. Finite data
        come in epochs, each a permutation of all items. A batch may continue into the next epoch.

        Args:
            seed: At least 0.
            position: Items drawn before this batch, at least 0.
            size: At least 1.
        """


class DataSettings(Protocol):
    """The settings of a recipe for its data; see `Recipe`."""

    @property
    def data(self) -> str:
        """Name of the data, or a source."""

    @property
    def data_b(self) -> str:
        """The second source."""

    @property
    def pair_by(self) -> str:
        """How the two sources are paired."""

    @property
    def image_size(self) -> int:
        """Height and width; the number of samples of a clip."""

    @property
    def crop(self) -> str:
        """The crop before resizing."""

    @property
    def channels(self) -> int:
        """Number of channels of a picture."""

    @property
    def flip(self) -> bool:
        """Whether items are mirrored."""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Kinds of data that its networks can be built for."""


def open_data(
    name: str,
    *,
    size: int | None = None,
    channels: int | None = None,
    std: float | None = None,
    split: str | None = None,
    kind: Kind = "pictures",
    **of_source: Any,
) -> Data:
    """Return data by their name in `DATA`, or the items of any source that ganeval reads.

    Args:
        name: `"ring8"`, `"digits"`, ..., or a source as in `ganeval eval`: a path, or
            `"folder:faces/,size=64,crop=center"`.
        size: For pictures, height and width to resize them to; None if they have one size already.
            For clips, the number of samples; None for the usual number.
        channels: 1 (grey) or 3 (RGB) for pictures; None for 1 if all pictures of a source are grey,
            else 3.
        std: Standard deviation of each mode of a density.
        split: Split of the digits, "train" (the default) or "test".
        kind: What a source holds, "pictures" or "clips".
        **of_source: Further options of the function that reads the source: `crop`, `second`,
            `cache_dir`, ... of `source_pictures`.

    Raises:
        GanevalError: The name is unknown, or the data lack an option or do not allow its value.
    """
    given = {"size": size, "channels": channels, "std": std, "split": split, **of_source}
    options = {key: value for key, value in given.items() if value is not None}
    if name in DATA:
        return _build(DATA[name], f"data '{name}'", options)
    if any(mark in name for mark in ":/{") or Path(name).exists():  # "{": a row of tars
        return _build(_SOURCES[kind], f"source '{name}'", options, name)
    raise unknown("data", name, DATA, f"or the path of a folder or archive of {kind}")


def training_data(
    recipe: "DataSettings",
    *,
    cache_dir: Path | str | None = None,
    check: Callable[[Shape], None] | None = None,
) -> Data:
    """Return the data that the settings of a recipe describe.

    Args:
        recipe: A recipe, or another object with these settings.
        cache_dir: Where prepared pictures are kept; None for the user's cache folder.
        check: See `source_pictures`.

    Raises:
        GanevalError: As in `open_data`, or a setting does not fit the data.
    """
    size, channels = recipe.image_size or None, recipe.channels or None
    kind: Kind = next((one for one in recipe.kinds if one in _SOURCES), "pictures")
    if recipe.crop != "center" and (recipe.data in DATA or kind != "pictures"):
        raise ganeval.GanevalError(
            f"crop {recipe.crop} for data '{recipe.data}'",
            "a source of pictures, for a model of pictures",
            "leave out crop",
        )
    if recipe.data_b and kind != "pictures":
        raise ganeval.GanevalError(
            f"data_b {recipe.data_b} for a model of {kind}",
            "one source",
            "leave out data_b",
        )
    if recipe.pair_by == "index" and not recipe.data_b:
        raise ganeval.GanevalError(
            "pair_by index without data_b",
            "a second source, whose pictures are paired with those of the first",
            "add data_b or leave out pair_by",
        )
    if recipe.data not in DATA:
        of_pictures: dict[str, Any] = {
            "crop": recipe.crop,
            "pair_by": recipe.pair_by,
            "cache_dir": cache_dir,
            "check": check,
        }
        data = open_data(
            recipe.data,
            size=size,
            channels=channels,
            kind=kind,
            second=recipe.data_b or None,
            **(of_pictures if kind == "pictures" else {}),
        )
    elif recipe.data_b:
        raise ganeval.GanevalError(
            f"data_b {recipe.data_b} beside data '{recipe.data}'",
            "a source of pictures for both, such as a folder",
            "change data, or leave out data_b",
        )
    elif (size or channels) and open_data(recipe.data).kind == "points":
        raise ganeval.GanevalError(
            f"image_size or channels for data '{recipe.data}' of points",
            "pictures",
            "leave them out",
        )
    else:
        data = open_data(recipe.data, size=size, channels=channels)
    if not recipe.flip:
        return data
    if data.kind != "pictures":
        raise ganeval.GanevalError(
            f"flip for data '{recipe.data}' of {data.kind}", "pictures", "leave out flip"
        )
    from reference_models.data.streams import Flipped

    return Flipped(data)


def _build(entry: str, where: str, options: dict[str, Any], *location: str) -> Data:
    """Call the function at `entry` with the options; refuse options that it does not have."""
    module, _, attribute = entry.partition(":")
    build = getattr(importlib.import_module(module), attribute)
    known = [
        name
        for name, parameter in inspect.signature(build).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    ]
    for option in options:
        if option not in known:
            raise unknown(f"option of {where}", option, known, "or none")
    data: Data = build(*location, **options)
    return data


def unknown(
    kind: str,
    name: str,
    known: Iterable[str],
    others: str | None = None,
    *,
    needed: str | None = None,
) -> ganeval.GanevalError:
    """Return the error for an unknown name, which suggests the most similar known one.

    Args:
        kind: Kind of thing that the name should name.
        name: The name.
        known: All known names.
        others: Further possibilities, in words.
        needed: What the name should be, in words, if there are too many for a message.
    """
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1)
    remedy = f"did you mean '{near[0]}'?" if near else "check the spelling"
    needed = needed or f"one of {', '.join([*known, others] if others else known)}"
    return ganeval.GanevalError(f"unknown {kind} '{name}'", needed, remedy)
