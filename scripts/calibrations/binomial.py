"""Counts of trials: their intervals, and whether they contradict a claim."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import scipy.stats

from ganeval.scores.multiplicity import holm_adjusted

CONTRADICTED = 0.01  # over a table, by Holm's procedure


@dataclass(frozen=True)
class Count:
    """So many of so many trials."""

    found: int
    num: int

    @property
    def share(self) -> float:
        """The share that was found."""
        return self.found / self.num

    def __str__(self) -> str:
        """The share and its 95 % interval by Clopper and Pearson (Biometrika 1934), in %."""
        if not self.num:
            return "-"
        low, high = scipy.stats.binomtest(self.found, self.num).proportion_ci(0.95, method="exact")
        return f"{100 * self.share:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


@dataclass(frozen=True)
class Claim:
    """What the true share of an outcome is said to be.

    Attributes:
        what: The outcome.
        relation: On which side of `share` the true share is.
        share: From 0 to 1.
    """

    what: str
    relation: Literal["at most", "at least"]
    share: float

    def p_value(self, count: Count) -> float:
        """Return twice the chance of a count so far off, were the true share just `share`.

        It is below 0.01 exactly where the 99 % interval of the count excludes the claim.
        """
        if not count.num:
            return 1.0
        law = scipy.stats.binom(count.num, self.share)
        tail = law.sf(count.found - 1) if self.relation == "at most" else law.cdf(count.found)
        return min(2 * float(tail), 1.0)

    def __str__(self) -> str:
        return f"{self.what} {self.relation} {100 * self.share:g} %"


COVERAGE = (
    Claim("cover", "at least", 0.92),
    Claim("cover", "at most", 0.98),
    Claim("below", "at most", 0.04),
    Claim("above", "at most", 0.04),
)
"""What an interval of 95 % promises: how often it holds the truth, lies below it and above it."""


def contradicted(p_values: Sequence[float]) -> list[bool]:
    """Tell of the claims of a whole table which ones the counts contradict."""
    return [(adjusted or 0.0) < CONTRADICTED for adjusted in holm_adjusted(p_values)]
