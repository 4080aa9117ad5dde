"""One score of a report."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from ganeval.errors import one_line
from ganeval.scores.kind import Direction, ScoreKind
from ganeval.scores.label import label_of

ROLES = ("reference", "train", "heldout")
"""The roles of sources other than the sample."""


class Key(NamedTuple):
    """Key that identifies a score, or a metric's further results, within a report."""

    sample: str
    reference: str | None
    train: str | None
    heldout: str | None
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """One score of one sample, as in the report file.

    Attributes:
        sample: The sample's location as the user wrote it.
        roles: Locations of the other sources that the score uses, by role: "reference", "train",
            "heldout".
        metric: Name of the metric in the table.
        kind: What the score means.
        value: The value, finite.
        se: Standard error, or None if there is no honest one.
        interval: 95 % confidence interval, or None if there is no honest one.
        num_sample: Number of items of the sample.
        noun: Plural noun of the scored items: "images", "clips", "pairs".
        nums: Number of items of the other sources, by role; None if a file does not say it.
        network: Short name of the network that the user asked for; None for the run's.
        networks: Names of the networks behind its features, as in the provenance; empty in files of
            older versions, which have one.
        extractor: Names of the extractors of these networks.
        protocol: Name of the protocol.
        options: Options of the metric that differ from the protocol's.
        details: Further numbers, such as those that the tool's convention adds (`{"std": ...}`).
        notes: What the reader must know about the number.
        cautions: The notes that limit what a reader may conclude: facts, each with its consequence
            (`{"360 images for 1,280 dimensions": "too few to compare; use kid"}`).
        partners: Digest of the partners of the sample's items, if it was scored in pairs.
        labels: Digest of the classes of the other sources' items, in their order, if the metric
            uses them.
        enough: For what this score lacks ("se", "debiased"), the number of items on every side from
            which there would be one.
    """

    sample: str
    roles: Mapping[str, str]
    metric: str
    kind: ScoreKind
    value: float
    se: float | None
    interval: tuple[float, float] | None
    num_sample: int
    noun: str = field(default="images", compare=False)
    nums: Mapping[str, int | None]
    network: str | None
    networks: tuple[str, ...] = field(default=(), compare=False)
    extractor: str
    protocol: str
    options: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    cautions: Mapping[str, str] = field(default_factory=dict, compare=False)
    partners: str | None = field(default=None, compare=False)
    labels: str | None = field(default=None, compare=False)
    enough: Mapping[str, int] = field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        """The score's name: `"fid"`, `"precision"`, ..."""
        return self.kind.name

    @property
    def direction(self) -> Direction:
        """Which way is better."""
        return self.kind.direction

    @property
    def reference(self) -> str | None:
        """The reference's location; None for a score without a reference."""
        return self.roles.get("reference")

    @property
    def num_reference(self) -> int | None:
        """Number of items of the reference; None if there is none or its file does not say."""
        return self.nums.get("reference")

    @property
    def label(self) -> str:
        """The name with the network and the options asked for: `"fid@mine"`, `"precision:k=5"`."""
        return one_line(label_of(self.name, self.network, self.options))

    @property
    def metric_label(self) -> str:
        """The metric's name with its network and options: `"pr:k=5"`."""
        return one_line(label_of(self.metric, self.network, self.options))

    @property
    def key(self) -> Key:
        """The key of this score within a report."""
        return key_of(self.sample, self.roles, self.label)

    @property
    def metric_key(self) -> Key:
        """The key of its metric's further results within a report."""
        return key_of(self.sample, self.roles, self.metric_label)

    def record(self) -> dict[str, Any]:
        """Return the score as JSON values."""
        kind = asdict(self.kind)
        return {
            "sample": self.sample,
            "reference": self.reference,
            "name": kind.pop("name"),
            "value": self.value,
            "se": self.se,
            "interval": list(self.interval) if self.interval else None,
            "direction": kind.pop("direction"),
            "num_sample": self.num_sample,
            "num_reference": self.num_reference,
            "extractor": self.extractor,
            "protocol": self.protocol,
            "options": dict(self.options),
            "details": dict(self.details),
            "notes": list(self.notes),
            "cautions": dict(self.cautions),
            "metric": self.metric,
            "network": self.network,
            "networks": list(self.networks),
            "roles": dict(self.roles),
            "nums": dict(self.nums),
            "kind": kind,
            "partners": self.partners,
            "labels": self.labels,
            "enough": dict(self.enough),
            "noun": self.noun,
        }


def key_of(sample: str, roles: Mapping[str, str], label: str) -> Key:
    """Return the key of a score or metric with that label."""
    reference, train, heldout = (roles.get(role) for role in ROLES)
    return Key(sample, reference, train, heldout, label)
