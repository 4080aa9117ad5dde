"""Scores that are a mean over items, each of which has a value of its own."""

import numpy as np
import numpy.typing as npt

from ganeval.metrics.base import Score
from ganeval.scores.influence import Influence
from ganeval.scores.kind import ScoreKind

ENOUGH_FOR_INTERVAL = 30  # items from which their mean counts as normal

Values = npt.NDArray[np.float64]


def mean_score(kind: ScoreKind, values: Values, noun: str, *, influence: Values | None) -> Score:
    """Return the mean of some values as a score, with the standard error of independent items.

    Fewer than 30 have none: two values that happen to be near each other would seem to be certain.

    Args:
        kind: Of the score.
        values: One for each item that counts, float64 [n], at least 2.
        noun: What messages call the items.
        influence: What each item adds to the score, with mean 0, float64 [N]; None for the values'
            own differences from their mean.
    """
    value, num = float(values.mean()), len(values)
    if num < ENOUGH_FOR_INTERVAL:
        few = f"{num} {noun}"
        return Score(
            kind=kind,
            value=value,
            notes=(f"no standard error: {few}, {ENOUGH_FOR_INTERVAL} are needed",),
            cautions={few: f"too few for an interval ({ENOUGH_FOR_INTERVAL} are needed)"},
            enough={"se": ENOUGH_FOR_INTERVAL},
        )
    found = Influence(sample=values - value if influence is None else influence)
    return Score(
        kind=kind,
        value=value,
        se=found.se,
        interval=(value - 1.96 * found.se, value + 1.96 * found.se),
        influence=found,
    )
