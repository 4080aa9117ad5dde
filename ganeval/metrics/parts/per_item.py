"""Scores that are a mean over the values of items."""

import numpy as np
import numpy.typing as npt

from ganeval.metrics.base import Evidence, Pairs, Score
from ganeval.metrics.parts.clusters import Clusters, num_units, over_units
from ganeval.scores.influence import Influence
from ganeval.scores.kind import ScoreKind

ENOUGH_FOR_INTERVAL = 30  # independent units; from there their mean counts as normal
NUM_WORST = 6  # pairs that a report shows

Values = npt.NDArray[np.float64]


def mean_score(
    kind: ScoreKind,
    values: Values,
    noun: str,
    *,
    influence: Values | None = None,
    clusters: Clusters | None = None,
) -> Score:
    """Return the mean of some values as a score, with the standard error of independent units.

    Fewer than 30 units have no error, since two values that happen to be close would look certain.

    Args:
        kind: Kind of the score.
        values: One for each item, float64 [N], NaN for an item that does not count; at least 2 are
            numbers.
        noun: Plural noun of the items in messages.
        influence: What each item adds to the score, with mean 0, float64 [N]; None for a plain mean
            over the items that count.
        clusters: The cluster of each item, int64 [N]; see `Summary.clusters`. None if the items are
            independent.
    """
    counts = np.isfinite(values)
    kept = values[counts]
    value = float(kept.mean())
    units = f"clusters of {noun}" if clusters is not None else noun
    num = num_units(len(kept), None if clusters is None else clusters[counts])
    if num < ENOUGH_FOR_INTERVAL:
        few = f"{num} {units}"
        return Score(
            kind=kind,
            value=value,
            notes=(f"no standard error: {few}, {ENOUGH_FOR_INTERVAL} are needed",),
            cautions={few: f"too few for an interval ({ENOUGH_FOR_INTERVAL} are needed)"},
            enough={} if clusters is not None else {"se": ENOUGH_FOR_INTERVAL},
        )
    if influence is None:
        influence = np.where(counts, values - value, 0.0) * (len(values) / len(kept))
    found = Influence(sample=over_units(influence, clusters))
    return Score(
        kind=kind,
        value=value,
        se=found.se,
        interval=(value - 1.96 * found.se, value + 1.96 * found.se),
        notes=() if clusters is None else (f"standard error over {num:,} {units}",),
        influence=found,
    )


def worst_pairs(kind: ScoreKind, values: Values) -> dict[str, Evidence]:
    """Return the pairs of sample and reference with the worst values, the worst first.

    Args:
        kind: Kind of the score, which says whether high values are good.
        values: One for each pair, float64 [N], NaN for a pair that does not count.
    """
    higher = kind.direction == "higher"
    order = np.argsort(values if higher else -values, kind="stable")  # NaN last
    worst = order[: min(NUM_WORST, int(np.isfinite(values).sum()))]
    return {
        "worst pairs": Evidence(
            roles=("sample", "reference"),
            rows=np.stack([worst, worst], axis=1),
            values=values[worst],
            title=f"pairs with the {'lowest' if higher else 'highest'} {kind.name}",
            view=Pairs(to="reference"),
        )
    }
