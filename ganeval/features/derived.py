"""Values derived from all features of a source, each cached under its own key.

The key covers everything that the value can depend on: the derivation's class, version and fields,
and the key of the summary. So a value is read from the cache only if computing it again would give
the same bits. The files lie beside the shards and are used like them: a file that exists is not
computed again, unless it is damaged.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from ganeval.features.moments import Moments, merge_all
from ganeval.machine.resources import Resources

Arrays = Mapping[str, npt.NDArray[Any]]
Rows = npt.NDArray[np.float32]

FORMAT = 2


class Summary(Protocol):
    """The features of one source in one layer of one network, as metrics see them."""

    @property
    def num(self) -> int | None:
        """Number of items; None only for stored statistics that do not say it."""

    @property
    def width(self) -> int:
        """Number of features of an item."""

    @property
    def key(self) -> str:
        """Hex digest of all that the features depend on: the items' content in order, the network.

        It also covers the clusters, if there are any, and the labels, if the metric's need asks for
        them.
        """

    @property
    def noun(self) -> str:
        """What messages call several items: "images", "clips", "pairs"."""

    @property
    def resources(self) -> Resources:
        """How much of the machine a metric may use; no score depends on it."""

    @property
    def labels(self) -> Sequence[str] | None:
        """The class of each row, in order; None unless the metric's need asks for labels."""

    @property
    def clusters(self) -> npt.NDArray[np.int64] | None:
        """The cluster of each row, int64 [num], numbered from 0 in the order of first appearance.

        Rows of one cluster are not independent of one another. None if rows are independent.
        """

    def moments(self) -> Moments:
        """Return count, mean and scatter, float64."""

    def parts(self) -> tuple[Moments, ...] | None:
        """Return the moments of four random parts of the items, if the parts are stored.

        The parts are disjoint and make up the whole. Their numbers of items differ by one at most.
        Return None if rows are stored, which a metric can split itself. Also return None for
        statistics without parts: those of another tool, of an older version, or of fewer than 8
        items.
        """

    def rows(self) -> Rows | None:
        """Return the features, float32 [num, width], perhaps memory-mapped and read-only.

        None if only moments are stored. A metric whose need has the form "rows" always gets them.
        """

    def blocks(self) -> Iterator[Rows]:
        """Yield the features in blocks of up to 1024 rows, float32 [n, width], in order."""

    def derived(self, derivation: "Derivation") -> Arrays:
        """Return what a derivation computes from these features, from the cache if possible.

        The metrics of one run share the result. So do all samples compared with one reference.
        """


class Derivation(Protocol):
    """A function that derives arrays from a summary; a frozen dataclass.

    The result may depend only on the summary and on the fields. A field is a number, a text, an
    array, a tuple of these, a frozen dataclass, or another summary, which enters the derived key by
    its own key.
    """

    version: ClassVar[int]
    """Raised when the same fields and features would give other arrays."""

    keep: ClassVar[bool]
    """Whether the result is worth a file that later runs read."""

    def __call__(self, summary: Summary) -> Arrays:
        """Return the arrays; the same whenever the fields and the summary's key are equal."""


def derived_key(derivation: Derivation, summary_key: str) -> str:
    """Return the key of a derived value: a hex digest of all that can change it.

    Raises:
        TypeError: The derivation is not a frozen dataclass, declares no version, or has a field
            that cannot be part of a key.
    """
    return key_of({"derivation": derivation, "summary": summary_key, "numpy": np.__version__})


def key_of(parts: Mapping[str, Any]) -> str:
    """Return a hex digest of some values, the same if and only if all of them are equal.

    Raises:
        TypeError: A value cannot be part of a key; see `derived_key`.
    """
    identity = {name: _identity(value) for name, value in parts.items()}
    text = json.dumps({"format": FORMAT, **identity}, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _identity(value: Any) -> Any:
    """Return JSON for a value, the same for two values if and only if they are equal."""
    if value is None or isinstance(value, str | int | float | bool):
        return [type(value).__name__, value]
    if isinstance(value, bytes):
        return ["bytes", value.hex()]
    if isinstance(value, np.ndarray):
        digest = hashlib.sha256(np.ascontiguousarray(value).view(np.uint8).data).hexdigest()
        return ["array", value.dtype.str, list(value.shape), digest]
    if isinstance(value, tuple):
        return ["tuple", *map(_identity, value)]
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if hasattr(value, "key") and hasattr(value, "derived"):
        return ["summary", value.key]
    if not dataclasses.is_dataclass(kind) or not kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise TypeError(f"{name}: neither a frozen dataclass nor a plain value")
    if "<locals>" in name:
        raise TypeError(f"{name}: defined in a function, but a key cannot cover its variables")
    if callable(value) and not isinstance(vars(kind).get("version"), int):
        raise TypeError(f"{name}: declares no version of its own")
    fields = {one.name: _identity(getattr(value, one.name)) for one in dataclasses.fields(value)}
    return [name, getattr(kind, "version", None), fields]


@dataclasses.dataclass(frozen=True, slots=True)
class MeanAndScatter:
    """The moments of all rows, merged in the order of the shards."""

    version: ClassVar[int] = 1
    keep: ClassVar[bool] = True

    def __call__(self, summary: Summary) -> Arrays:
        """Return `mean` float64 [d] and `scatter` float64 [d, d]."""
        merged = merge_all(map(Moments.of, summary.blocks()))
        return {"mean": merged.mean, "scatter": merged.scatter}
