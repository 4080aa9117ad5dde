"""The types that all metrics share."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, Protocol

import numpy as np
import numpy.typing as npt

from ganeval.audio.windows import Windows
from ganeval.features.derived import Summary
from ganeval.scores.influence import Influence
from ganeval.scores.kind import Direction, ScoreKind

Role = Literal["sample", "reference", "train", "heldout"]
"""Role of a source: the generated items, the real items that they are compared with, the items that
the generator learned from, or real items that it never saw."""

ROLES: tuple[Role, ...] = ("sample", "reference", "train", "heldout")
Form = Literal["moments", "rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A layer of a network.

    Attributes:
        layer: Layer of the network: "pool" has the features of FID, KID and the neighbour metrics,
            "logits" what the Inception Score is defined on.
        extractor: The network's name; None for the network that the user chooses for the metric or
            the run.
    """

    layer: str = "pool"
    extractor: str | None = None


@dataclass(frozen=True, slots=True)
class Each:
    """Look at every item by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Look at each item beside its partner in another source.

    The user says whether partners share a name or an index.

    Attributes:
        to: The role of the other source.
    """

    to: Role = "reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomPairs:
    """Look at random pairs of different items of one source.

    Attributes:
        num: Number of pairs.
    """

    num: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Look at pairs of images that a generator makes from two close points on a latent path.

    Attributes:
        num: Number of paths.
        epsilon: Distance of the points, if the whole path is 1.
        places: Where they are: anywhere on the path ("full") or at its beginning ("end").
    """

    num: int
    epsilon: float = 1e-4
    places: Literal["full", "end"] = "full"


View = Each | Pairs | RandomPairs | Paths | Windows


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One input of a metric; a role may have several.

    Attributes:
        role: Role of the source.
        feature: Network and layer.
        form: "moments" if a stored mean and covariance are enough, else "rows".
        view: What counts as an item: each item of the source, or a pair.
        labels: Whether the class of each item is needed.
        content: What each item has to be ("clip"); None for whatever the network takes.
        minimum: The fewest items for which the metric is defined.
        why: What sets the minimum, for the message (`"10 splits"`).
    """

    role: Role
    feature: Feature = Feature()
    form: Form = "rows"
    view: View = Each()
    labels: bool = False
    content: str | None = None
    minimum: int = 1
    why: str = "a value"


Inputs = Mapping[Need, Summary]
"""The summaries that a metric asked for, by its needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One number of a metric.

    Attributes:
        kind: What the number means.
        value: A finite number, like every number of a score; a run refuses others.
        se: Standard error, or None if there is no honest one (a note says why). A run treats 0 as
            None.
        interval: 95 % confidence interval of what the score estimates, or None if there is no
            honest one. If the value is biased, it may lie outside the interval.
        details: Further numbers, such as those that the tool's convention adds (`{"std": ...}`).
        notes: What the reader must know about the number.
        cautions: The notes that limit what the reader may conclude: facts, each with its
            consequence, in a few words (`{"360 images for 1,280 dimensions": "too few to compare;
            use kid"}`). Tables show these first, and facts with one consequence on one line.
        influence: What each item adds to the score, if that is known.
        enough: For what this score lacks ("se", "debiased"), the number of items on every side from
            which there would be one (`{"se": 2560}`).
    """

    kind: ScoreKind
    value: float
    se: float | None = None
    interval: tuple[float, float] | None = None
    details: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    cautions: Mapping[str, str] = field(default_factory=dict)
    influence: Influence | None = field(default=None, compare=False, repr=False)
    enough: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The score's name."""
        return self.kind.name

    @property
    def direction(self) -> Direction:
        """Which way is better."""
        return self.kind.direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Pairs of items that a report shows, the most striking first.

    Attributes:
        roles: The sources that the items of a pair belong to.
        rows: The row of each item among the features of its source, int [pairs, 2].
        values: A number for each pair (a distance), float64 [pairs].
        title: What the pairs show, in a few words.
        view: What the rows count: the items of each source, or pairs of two sources. A row of pairs
            stands for both items, so both columns of `rows` are then equal.
    """

    roles: tuple[Role, Role]
    rows: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    title: str
    view: Each | Pairs = Each()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of a metric.

    Attributes:
        scores: One score for each of its kinds, in their order.
        curves: Points of a curve by its name, float64 [points, 2].
        per_item: A value for each item of the sample by its name, float64 [num], NaN where an item
            has none.
        evidence: Pairs of items by what they show.
    """

    scores: tuple[Score, ...]
    curves: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    per_item: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    evidence: Mapping[str, Evidence] = field(default_factory=dict)


class Metric(Protocol):
    """A metric: a frozen dataclass whose fields are its options.

    A metric that computes its errors over the clusters of its summaries declares `over_clusters:
    ClassVar[bool] = True`; if there are clusters, the errors of all other metrics are left out. A
    metric whose purpose is to find copies declares `counts_copies: ClassVar[bool] = True`; the
    scores of all others get a caution if there are many copies.
    """

    common_name: ClassVar[str]
    """Its name in papers, for `ganeval list metrics`."""

    kinds: ClassVar[tuple[ScoreKind, ...]]
    """The kinds of its scores, in the order in which `compute` returns them."""

    @property
    def needs(self) -> tuple[Need, ...]:
        """The inputs of the metric."""

    def compute(self, inputs: Inputs, rng: np.random.Generator) -> Result:
        """Return the scores.

        `rng` is the stream that its kinds name; nothing else is random. The inputs meet `needs`.
        """


def has_error_over_clusters(metric: Metric) -> bool:
    """Tell whether a metric computes its errors over the clusters of its summaries."""
    return getattr(metric, "over_clusters", False) is True


def counts_copies(metric: Metric) -> bool:
    """Tell whether the purpose of a metric is to find copies."""
    return getattr(metric, "counts_copies", False) is True


def roles_of(metric: Metric) -> tuple[Role, ...]:
    """Return the roles of a metric in their order, including those of partners in pairs."""
    asked = {need.role for need in metric.needs}
    asked |= {need.view.to for need in metric.needs if isinstance(need.view, Pairs)}
    return tuple(role for role in ROLES if role in asked)


def both_sides(
    *,
    feature: Feature = Feature(),
    form: Form = "rows",
    view: View = Each(),
    content: str | None = None,
    minimum: int,
    why: str,
) -> tuple[Need, Need]:
    """Return the needs of a metric that compares a sample with a reference."""
    sample = Need(
        role="sample",
        feature=feature,
        form=form,
        view=view,
        content=content,
        minimum=minimum,
        why=why,
    )
    return sample, replace(sample, role="reference")


def by_role(inputs: Inputs) -> dict[Role, Summary]:
    """Return the summaries of a metric that has one need for each role."""
    return {need.role: summary for need, summary in inputs.items()}


def rows_of(summary: Summary) -> npt.NDArray[np.float32]:
    """Return the features of a source, float32 [num, width]."""
    rows = summary.rows()
    assert rows is not None
    return rows


def labels_of(summary: Summary) -> Sequence[str]:
    """Return the class of each row of a source whose labels were asked for."""
    assert summary.labels is not None
    return summary.labels


def options_of_minimum(metric: Metric, need: Need) -> list[str]:
    """Return the options of a metric that decide how many items it needs: those named in `why`."""
    words = re.findall(r"\w+", need.why)
    return [one.name for one in dataclasses.fields(metric) if one.name in words]  # type: ignore[arg-type]
