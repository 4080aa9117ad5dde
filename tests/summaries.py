"""Features in memory, as metrics see them."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ganeval.audio.windows import Windows
from ganeval.extractors.base import ExtractorRequest, find_extractor
from ganeval.features.derived import Arrays, Derivation, derived_key
from ganeval.features.moments import Moments
from ganeval.machine.resources import DEFAULT, Resources
from ganeval.metrics.base import Each, Inputs, Metric, Need

Rows = npt.NDArray[np.float32]


@dataclass
class InMemory:
    """A summary of rows that refuse to be changed.

    What is derived is derived once. Without `keeps_rows` it is like stored statistics, and has the
    parts that are given as `stored_parts`: the rows of each.
    """

    array: Rows
    keeps_rows: bool = True
    resources: Resources = DEFAULT
    labels: tuple[str, ...] | None = None
    clusters: npt.NDArray[np.int64] | None = None
    noun: str = "images"
    stored_parts: Sequence[npt.NDArray[np.integer]] | None = None
    known: dict[str, Arrays] = field(default_factory=dict)

    @property
    def num(self) -> int:
        return len(self.array)

    @property
    def width(self) -> int:
        return self.array.shape[1]

    @cached_property
    def _moments(self) -> Moments:
        return Moments.of(self.array)

    def moments(self) -> Moments:
        return self._moments

    def rows(self) -> Rows | None:
        view = self.array.view()
        view.flags.writeable = False
        return view if self.keeps_rows else None

    def parts(self) -> tuple[Moments, ...] | None:
        if self.keeps_rows or self.stored_parts is None:
            return None
        return tuple(Moments.of(self.array[part]) for part in self.stored_parts)

    def blocks(self) -> Iterator[Rows]:
        yield from (self.array[at : at + 1024] for at in range(0, len(self.array), 1024))

    @property
    def key(self) -> str:
        clusters = None if self.clusters is None else self.clusters.tolist()
        content = self.array.tobytes() + repr((self.labels, self.keeps_rows, clusters)).encode()
        content += b"".join(part.tobytes() for part in self.stored_parts or ())
        return hashlib.sha256(content).hexdigest()

    def derived(self, derivation: Derivation) -> Arrays:
        key = derived_key(derivation, self.key)
        if key not in self.known:
            self.known[key] = derivation(self)
        return self.known[key]


def width_of(need: Need, *, of_items: int) -> int:
    """How many numbers there are for an item: as many as asked for, or what a comparer says."""
    if isinstance(need.view, Each | Windows) or need.feature.extractor is None:
        return of_items
    return find_extractor(need.feature.extractor).width(need.feature.layer, ExtractorRequest())


def inputs(metric: Metric, roles: Mapping[Any, Any]) -> Inputs:
    """Give every need of a metric the summary of its role."""
    return {need: roles[need.role] for need in metric.needs}
