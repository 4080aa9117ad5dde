"""Results of metrics beyond scores: curves, a value for each item, and pairs of items."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ganeval.errors import InputError
from ganeval.report.beside import Beside, Entry
from ganeval.report.gallery import Picture
from ganeval.scores.row import Key

ITEMS = Beside(name="items", what="values of items")

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ItemPairs:
    """Pairs of items, the most striking first.

    Attributes:
        title: What they show, in a few words.
        roles: The sources that the items of a pair belong to: ("sample", "train").
        names: The names of both items of each pair.
        values: A number for each pair, float64 [pairs].
        pictures: Small copies of both items of each pair, if an HTML page is asked for and the
            items are pictures; no other file has them.
    """

    title: str
    roles: tuple[str, str]
    names: tuple[tuple[str, str], ...]
    values: Values
    pictures: tuple[tuple[Picture, Picture], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MetricItems:
    """What a metric found in one sample beyond its scores.

    Attributes:
        curves: Points of a curve by its name, float64 [points, 2].
        per_item: A value for each item of the sample by its name, float64 [num], in the order of
            the sample, NaN where an item has none.
        evidence: Pairs of items by what they show.
    """

    curves: Mapping[str, Values] = field(default_factory=dict)
    per_item: Mapping[str, Values] = field(default_factory=dict)
    evidence: Mapping[str, ItemPairs] = field(default_factory=dict)


def packed_items(items: Mapping[Key, MetricItems], digest: str) -> bytes:
    """Return the content of the file beside a report; the same items give the same bytes.

    Args:
        items: Items by metric.
        digest: Digest of the report's scores.
    """
    return ITEMS.packed({key: _entry(one) for key, one in items.items()}, digest)


def _entry(items: MetricItems) -> Entry:
    """Return the file's entry of one metric."""
    pairs = {name: one.values for name, one in items.evidence.items()}
    parts = {"curve": items.curves, "item": items.per_item, "pairs": pairs}
    return Entry(
        tensors={
            f"{part}.{name}": np.asarray(values, np.float64)
            for part, found in parts.items()
            for name, values in found.items()
        },
        said={
            "evidence": {
                name: {
                    "title": one.title,
                    "roles": list(one.roles),
                    "names": [*map(list, one.names)],
                }
                for name, one in items.evidence.items()
            }
        },
    )


def load_items(path: Path, digest: str) -> dict[Key, MetricItems] | None:
    """Return the items by metric; None if the file belongs to other scores.

    Raises:
        InputError: The file is damaged.
        FileNotFoundError: There is none.
    """
    entries = ITEMS.load(path, digest)
    try:
        return None if entries is None else {key: _items(one) for key, one in entries.items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path}: damaged ({error})",
            "the values of items of the report beside it",
            "copy both files again, or make them again with -o RUN.json",
        ) from error


def _items(entry: Entry) -> MetricItems:
    """Return what a metric found from its entry.

    Raises:
        ValueError: The entry has another form.
    """
    found: dict[str, dict[str, Values]] = {"curve": {}, "item": {}, "pairs": {}}
    for field_name, values in entry.tensors.items():
        part, _, name = field_name.partition(".")
        if values.ndim != (2 if part == "curve" else 1):
            raise ValueError(f"{field_name} is of shape {values.shape}")
        found[part][name] = values
    said: Mapping[str, Any] = entry.said["evidence"]
    evidence = {}
    for name, values in found["pairs"].items():
        roles, names = said[name]["roles"], said[name]["names"]
        if len(names) != len(values) or any(len(pair) != 2 for pair in (roles, *names)):
            raise ValueError(f"the pairs of {name} have other names")
        if not all(isinstance(one, str) for pair in (roles, *names) for one in pair):
            raise ValueError(f"a name of {name} is not a text")
        evidence[name] = ItemPairs(
            title=str(said[name]["title"]),
            roles=(roles[0], roles[1]),
            names=tuple((one, other) for one, other in names),
            values=values,
        )
    return MetricItems(curves=found["curve"], per_item=found["item"], evidence=evidence)
