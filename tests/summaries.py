"""Features in memory, as metrics see them."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ganeval.features.derived import Arrays, Compute, Options
from ganeval.features.moments import Moments
from ganeval.resources import DEFAULT, Resources

Rows = npt.NDArray[np.float32]


@dataclass
class InMemory:
    """A summary of rows that serve as every layer and refuse to be changed.

    What is derived is derived once. Without `keeps_rows` it is like stored statistics.
    """

    array: Rows
    keeps_rows: bool = True
    resources: Resources = DEFAULT
    known: dict[str, Arrays] = field(default_factory=dict)

    @property
    def num(self) -> int:
        return len(self.array)

    @cached_property
    def _moments(self) -> Moments:
        return Moments.of(self.array)

    def moments(self, layer: str) -> Moments:
        return self._moments

    def rows(self, layer: str) -> Rows | None:
        view = self.array.view()
        view.flags.writeable = False
        return view if self.keeps_rows else None

    @property
    def key(self) -> str:
        return hashlib.sha256(self.array.tobytes()).hexdigest()

    def derived(
        self, layer: str, name: str, options: Options, compute: Compute, *, keep: bool = True
    ) -> Arrays:
        name = f"{layer} {name} {sorted(options.items())}"
        if name not in self.known:
            self.known[name] = compute()
        return self.known[name]
