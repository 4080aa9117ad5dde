"""What a score means, for code that compares it, gates on it or prints it."""

from dataclasses import dataclass
from typing import Literal

Direction = Literal["lower", "higher", "zero", "none"]
Bias = Literal["none", "removed", "removable", "depends-on-numbers"]
ErrorForm = Literal["influence", "u-statistic", "blocks", "jackknife", "per-item", "runs", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreKind:
    """The meaning of a score, declared by its metric and carried by every row of a report.

    No field has a default, so that no metric can forget to say what its score means. Comparison,
    gate, report and random stream use these fields and know no metric by its name.

    Attributes:
        name: Name of the score (`"precision"`), one word in lower case with hyphens.
        direction: Which way is better; "zero" if values on both sides of 0 are worse, "none" if no
            value is better.
        bias: How the expectation depends on the numbers of items. "none": it does not. "removed":
            an extrapolation has removed most of the bias, and the details have the biased value as
            `biased`. "removable": it depends on them, and the details have a value without bias as
            `debiased` if there are enough items. "depends-on-numbers": it depends on them, so
            scores are compared at equal numbers only.
        error: What the standard error comes from: the influence of each item, the influences of a
            U-statistic, disjoint blocks of all sides, the values of single items, several runs, or
            "none" if there is no standard error. Older files have "jackknife", over groups.
        stream: Name of the random stream that the metric draws from. Metrics that share one deal
            the items alike.
        stands_in: The score that decides if this one cannot (`"kid"` for `"fid"`); None if there is
            none.
        plotted_against: The score of the same metric on the other axis of a plot (`"recall"` for
            `"precision"`); None if there is none.
    """

    name: str
    direction: Direction
    bias: Bias
    error: ErrorForm
    stream: str
    stands_in: str | None
    plotted_against: str | None

    @property
    def grows(self) -> bool:
        """Whether it is a squared distance, whose variance grows in proportion to it."""
        return self.direction == "lower" and self.error in ("influence", "u-statistic")


def loss(direction: Direction, value: float) -> float | None:
    """Return how bad a value is, in units of the score; None if no value is better."""
    losses = {"lower": value, "higher": -value, "zero": abs(value)}
    return losses.get(direction)
