"""Read JSON values as records whose fields have their declared types."""

import dataclasses
import math
import types
from collections.abc import Mapping
from typing import Any, Literal, TypedDict, TypeVar, Union, get_args, get_origin, get_type_hints

Record = TypeVar("Record")


class StatsCard(TypedDict, total=False):
    """The provenance of stored statistics; each key may be missing."""

    digest: str
    used_for: tuple[str, ...]
    settings: Mapping[str, Any]


class SourceCard(TypedDict, total=False):
    """The provenance of a source; each key may be missing, and there may be others."""

    kind: str
    item: str
    noun: str
    count: int | None
    used: int
    digest: str | None
    content: str | None
    chosen: str | None
    found: tuple[str, ...]
    skipped: tuple[str, ...]
    settings: Mapping[str, Any]
    stats: StatsCard


class NetworkCard(TypedDict, total=False):
    """The provenance of a network; each key may be missing."""

    extractor: str
    weights: str
    extractor_version: int
    preprocess: Mapping[str, Any]
    dimensions: int | None
    precision: str
    micro_batch: int


class Provenance(TypedDict, total=False):
    """The provenance of a report; each key may be missing, and there may be others."""

    ganeval: str
    command: str
    precision: str
    seed: int
    num_images: int | None
    extractor_version: int
    protocol_version: int
    weights: Mapping[str, str]
    preprocess: Mapping[str, Any]
    dimensions: int | None
    network: str | None
    networks: Mapping[str, NetworkCard]
    sources: Mapping[str, SourceCard]
    warnings: tuple[str, ...]
    libraries: Mapping[str, str]


def read_record(cls: type[Record], entry: Any, name: str) -> Record:
    """Return a dataclass from its JSON form, which has lists instead of tuples.

    Args:
        cls: A dataclass with fields of plain types: text, numbers, mappings, tuples, unions.
        entry: The JSON value.
        name: Name of the value in messages.

    Raises:
        ValueError: A field is missing, unknown, or has another type; numbers must be finite.
    """
    check_type(entry, Mapping[str, Any], name)
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    hints = get_type_hints(cls)
    for key in entry:
        if key not in fields:
            raise ValueError(f"{name} has an unknown field {key!r}")
        if not dataclasses.is_dataclass(hints[key]):
            check_type(entry[key], hints[key], f"{key} of {name}")
    values = {
        key: read_record(hints[key], one, f"{key} of {name}")
        if dataclasses.is_dataclass(hints[key])
        else tuple(one)
        if isinstance(one, list)
        else one
        for key, one in entry.items()
    }
    try:
        return cls(**values)
    except TypeError as error:  # a field that has no default is missing
        raise ValueError(f"{name}: {error}") from error


def check_type(value: Any, hint: Any, name: str) -> None:
    """Refuse a JSON value that does not have an annotated type.

    Raises:
        ValueError: The value has another type; the message has `name` and the value.
    """
    if not _fits(value, hint):
        text = repr(value)
        raise ValueError(f"{name} is {text if len(text) <= 60 else f'{text[:60]}...'}")


def _fits(value: Any, hint: Any) -> bool:
    """Tell whether a JSON value has an annotated type; true and false are not numbers."""
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin is Literal:
        return type(value) is str and value in args
    if isinstance(hint, type) and issubclass(hint, dict):  # a TypedDict
        hints = get_type_hints(hint)
        return isinstance(value, dict) and all(
            _fits(one, hints.get(key, Any)) for key, one in value.items()
        )
    if origin in (Union, types.UnionType):
        return any(_fits(value, one) for one in args)
    if origin is tuple:
        if not isinstance(value, list) or (args[-1] is not ... and len(value) != len(args)):
            return False
        return all(_fits(one, args[0]) for one in value)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, dict) and all(_fits(one, args[1]) for one in value.values())
    if hint is float:
        return type(value) in (int, float) and _is_finite(value)
    return type(value) is hint


def _is_finite(value: float) -> bool:
    """Tell whether a number fits float64; JSON has whole numbers of any length."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
