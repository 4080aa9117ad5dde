"""One score of a report."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ganeval.errors import one_line

Key = tuple[str, str | None, str]
"""Sample, reference, and label of a score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """One score of one sample, as the report file has it.

    Attributes:
        sample: The sample's location as the user wrote it.
        reference: The reference's, or None for scores that need none.
        name: `"fid"`, `"precision"`, ...
        value: Finite.
        se: Standard error, or None where there is no honest one.
        interval: 95 % confidence interval, or None likewise.
        direction: `"lower"` or `"higher"` is better.
        num_sample: Number of images of the sample.
        num_reference: Of the reference; None if there is none or its file does not say.
        extractor: Name of the network.
        protocol: Name of the conventions.
        options: The metric's options that depart from the protocol's.
        details: What the tool's convention adds (`{"std": ...}`).
        notes: What the reader must know beside the number.
        cautions: What changes what a reader may do: facts, each with its consequence
            (`{"360 images for 1,280 dimensions": "too few to compare; use kid"}`).
    """

    sample: str
    reference: str | None
    name: str
    value: float
    se: float | None
    interval: tuple[float, float] | None
    direction: str
    num_sample: int
    num_reference: int | None
    extractor: str
    protocol: str
    options: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    cautions: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def label(self) -> str:
        """The name with the options that depart from the protocol's: `"precision:k=5"`."""
        options = "".join(f":{name}={value}" for name, value in self.options.items())
        return one_line(f"{self.name}{options}")

    @property
    def key(self) -> Key:
        """What tells this score from every other one in a report."""
        return self.sample, self.reference, self.label
