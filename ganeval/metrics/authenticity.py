"""Whether the items of a sample are new, or copies of training data."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ganeval.metrics.base import Evidence, Inputs, Need, Result, Score, by_role, rows_of
from ganeval.metrics.parts.clusters import over_units
from ganeval.metrics.parts.distances import on_common_centre
from ganeval.metrics.parts.intervals import wilson
from ganeval.metrics.parts.nearest import nearest_among
from ganeval.metrics.parts.neighbourhood import NearestOthers
from ganeval.scores.influence import Influence
from ganeval.scores.kind import ScoreKind

NUM_SHOWN = 8
_FEW = 2  # training items: each needs another one as its neighbour


@dataclass(frozen=True, slots=True)
class Authenticity:
    """Compute the share of the sample that copies no training item (authenticity).

    Estimand: the fraction of sample items g for which d(g, i) > d(i, j), where i is the item of the
    training set that is nearest to g, j the one of the training set that is nearest to i, and d the
    Euclidean distance between pooled features. Such an item is no nearer to i than other training
    items are; an exact copy has d(g, i) = 0 and never counts.

    Reference: Alaa et al., "How Faithful is your Synthetic Data? Sample-level Metrics for
    Evaluating and Auditing Generative Models", ICML 2022, section 3.3; as the share that Stein et
    al., "Exposing flaws of generative model evaluation metrics", NeurIPS 2023, call AuthPct,
    divided by 100.
    Numbers: any sample, and the whole training set, since a part of it may lack a copied item.
    Bias: none in the number of sample items, for a fixed training set.
    Direction: higher is better; from 0 to 1. It says nothing about quality.
    Misleads: a sample far from everything real has 1 too. A copy is missed if it was changed enough
    to move its features.

    Standard error: that of a fraction of N independent items, or clusters of items, given the
    training set. Interval: Wilson's ("Probable Inference", JASA 1927); over clusters, with the
    number of independent items that would have this error (Korn and Graubard, "Confidence Intervals
    for Proportions with Small Expected Number of Positive Counts Estimated from Survey Data",
    Survey Methodology 1998), or with the number of clusters if all items agree.
    """

    common_name: ClassVar[str] = "authenticity"
    over_clusters: ClassVar[bool] = True
    kinds: ClassVar[tuple[ScoreKind, ...]] = (
        ScoreKind(
            name="authenticity",
            direction="higher",
            bias="none",
            error="per-item",
            stream="authenticity",
            stands_in=None,
            plotted_against=None,
        ),
    )

    @property
    def needs(self) -> tuple[Need, ...]:
        """Pooled features of the sample and of the training set."""
        return (
            Need(role="sample", minimum=2, why="a standard error"),
            Need(role="train", minimum=_FEW, why="a neighbour of each"),
        )

    def compute(self, inputs: Inputs, rng: np.random.Generator) -> Result:
        """Return the one score `authenticity`.

        The details have `copies`, the number of items at distance 0. Per item: the distance to the
        nearest training item, as a multiple of that item's distance to its own nearest one.
        """
        summaries = by_role(inputs)
        sample, train = summaries["sample"], summaries["train"]
        points, known = on_common_centre(rows_of(sample), rows_of(train), sample.resources)
        near = nearest_among(points, known, sample.resources)
        nearest, squared = near.indices[:, 0], near.squared[:, 0]
        own = train.derived(NearestOthers(1))["squared"][:, 0][nearest]
        authentic = squared > own
        value, num = float(authentic.mean()), len(authentic)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.sqrt(squared / own)
        # A copy of an item that has a twin: both distances are 0.
        ratio = np.where(squared == 0, 0.0, ratio)
        copies = int((squared == 0).sum())
        centred = authentic.astype(np.float64) - value
        influence = Influence(sample=over_units(centred, sample.clusters))
        notes: tuple[str, ...] = ("given the training set, which adds nothing to the error",)
        num_independent: float = num
        if sample.clusters is not None:
            num_clusters = len(influence.sample)
            alike = influence.se == 0
            num_independent = (
                num_clusters if alike else min(num, value * (1 - value) / influence.se**2)
            )
            notes += (f"standard error over {num_clusters:,} clusters of {sample.noun}",)
        (kind,) = self.kinds
        score = Score(
            kind=kind,
            value=value,
            se=influence.se,
            interval=wilson(value, num_independent),
            details={"copies": float(copies)},
            notes=notes,
            cautions={
                fact: "look at them"
                for fact in (f"{copies:,} of {num:,} {sample.noun} are equal to training ones",)
                if copies
            },
            influence=influence,
        )
        finite = np.isfinite(ratio)
        closest = np.argsort(ratio, kind="stable")[: min(NUM_SHOWN, int(finite.sum()))]
        return Result(
            scores=(score,),
            per_item={"nearest training item": np.where(finite, ratio, np.nan)},
            evidence={
                "copies": Evidence(
                    roles=("sample", "train"),
                    rows=np.stack([closest, nearest[closest].astype(np.int64)], axis=1),
                    values=ratio[closest],
                    title=f"{sample.noun} nearest to training {sample.noun}",
                )
            },
        )
