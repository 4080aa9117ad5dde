"""The types that every metric speaks, and the table of metrics."""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol

import numpy as np
import numpy.typing as npt

from ganeval.features.derived import Arrays, Compute, Options
from ganeval.features.moments import Moments
from ganeval.influence import Influence
from ganeval.registry import Registry
from ganeval.resources import Resources

METRICS = Registry(
    "metric",
    {
        "fid": "ganeval.metrics.frechet:Fid",
        "is": "ganeval.metrics.inception_score:InceptionScore",
        "kid": "ganeval.metrics.kernel:Kid",
        "pr": "ganeval.metrics.neighbours:PrecisionRecall",
        "dc": "ganeval.metrics.neighbours:DensityCoverage",
        "fid-debiased": "ganeval.metrics.frechet_limit:FidDebiased",
        "fid-infinity": "ganeval.metrics.frechet_limit:FidInfinity",
    },
)

Role = Literal["sample", "reference"]
Direction = Literal["lower", "higher"]


class Summary(Protocol):
    """The features of one source, as metrics see them."""

    @property
    def num(self) -> int | None:
        """Number of images; None for stored statistics that do not say, never where rows are."""

    def moments(self, layer: str) -> Moments:
        """Return mean and scatter of a layer, float64."""

    def rows(self, layer: str) -> npt.NDArray[np.float32] | None:
        """Return a layer's features, float32 [num, width], perhaps memory-mapped and read-only.

        None if only moments are stored. A metric whose `needs.form` is "rows" always gets them.
        """

    @property
    def key(self) -> str:
        """Tells these features from all others."""

    @property
    def resources(self) -> Resources:
        """What a metric may use of the machine; no score depends on it."""

    def derived(
        self, layer: str, name: str, options: Options, compute: Compute, *, keep: bool = True
    ) -> Arrays:
        """Return what `compute` derives from a layer of this source alone, from a cache if it can.

        So metrics of one run share it, and so do all samples that are compared with one reference.

        Args:
            layer: The layer.
            name: What it is.
            options: What else it depends on.
            compute: Computes it; the same arrays whenever the features, name and options are equal.
            keep: Whether it is worth a file that later runs read.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a metric needs of the sources.

    Attributes:
        layer: The layer it works on.
        form: "moments" if stored mean and covariance are enough, else "rows".
        roles: The sources it looks at.
        minimum: The fewest images in each of them for which it is defined.
        why: What sets the minimum, for the message (`"10 splits"`).
    """

    layer: str
    form: Literal["moments", "rows"]
    roles: tuple[Role, ...]
    minimum: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One number of a metric.

    Attributes:
        name: The score's name (`"precision"`).
        value: Finite.
        direction: Which way is better.
        se: Standard error, or None if there is no honest one (a note says why).
        interval: 95 % confidence interval of what the score estimates, or None likewise. Where the
            value is biased, it need not hold the value.
        details: What the tool's convention adds (`{"std": ...}`).
        notes: What the reader must know beside the number.
        cautions: What of it changes what the reader may do: facts, each with its consequence, in a
            few words (`{"360 images for 1,280 dimensions": "too few to compare; use kid"}`).
            Tables show these first, and facts with one consequence on one line.
        influence: What each image adds to it, where that is known.
    """

    name: str
    value: float
    direction: Direction
    se: float | None = None
    interval: tuple[float, float] | None = None
    details: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    cautions: Mapping[str, str] = field(default_factory=dict)
    influence: Influence | None = field(default=None, compare=False, repr=False)


class Metric(Protocol):
    """A frozen dataclass: its fields are its options."""

    common_name: ClassVar[str]
    """What papers call it, for `ganeval list metrics`."""

    direction: ClassVar[Direction]
    """Which way each of its scores is better."""

    scores: ClassVar[tuple[str, ...]]
    """The names of the scores that `compute` returns, in its order."""

    @property
    def needs(self) -> Needs:
        """What the metric needs."""

    def compute(
        self, summaries: Mapping[Role, Summary], rng: np.random.Generator
    ) -> tuple[Score, ...]:
        """Return the scores.

        `rng` is the metric's own stream; nothing else is random. The summaries meet `needs`.
        """


def options_of_minimum(metric: Metric) -> list[str]:
    """Return the options of a metric that set how many images it needs: those that `why` names."""
    words = re.findall(r"\w+", metric.needs.why)
    return [one.name for one in dataclasses.fields(metric) if one.name in words]  # type: ignore[arg-type]
