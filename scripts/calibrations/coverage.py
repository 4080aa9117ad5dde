"""How often an interval holds the truth, and how often it lies below or above it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from calibrations.binomial import COVERAGE, Count, contradicted
from calibrations.laws import Population, fid_between, kid_between, law_of
from calibrations.predictions import PREDICTIONS
from calibrations.tool import METRICS, score_record, scored
from calibrations.trials import Cell, Kept, Trial, streams
from tests.summaries import InMemory

EQUAL, TINY, MEDIUM, FAR = "equal", "tiny", "medium", "far"
TITLES = (
    *("score", "law", "d", "sample", "reference", "distance", "trials", "truth", "value", "SD"),
    *("mean SE", "with interval, %", "of these cover, %", "below, %", "above, %", "verdict"),
)


def population_at(law: str, width: int, place: str) -> Population:
    """Return a population at a distance from its law; the reference has the law itself."""
    root = law_of(law, width).trace ** 0.5
    if place == EQUAL:
        return Population(law=law, width=width)
    if place == TINY:
        return Population(law=law, width=width, shift=0.003**0.5 * root)
    if place == MEDIUM:
        return Population(law=law, width=width, spread=0.9, shift=0.1**0.5 * root)
    assert place == FAR
    return Population(law=law, width=width, share=0.2, shift=0.5**0.5 * root)


@dataclass(frozen=True, kw_only=True)
class FeatureCell:
    """Samples at several distances beside one reference.

    Attributes:
        metric: As in `METRICS`.
        law: As in `LAWS`.
        width: Number of dimensions d.
        num_sample: Images.
        num_reference: Images.
        places: Distances.
    """

    metric: str
    law: str
    width: int
    num_sample: int
    num_reference: int
    places: tuple[str, ...] = (EQUAL, TINY, MEDIUM, FAR)

    @property
    def name(self) -> str:
        """What its file is called."""
        numbers = f"{self.width}-{self.num_sample}-{self.num_reference}"
        return f"cover-{self.metric}-{self.law}-{numbers}"

    def prepare(self) -> Mapping[str, Any]:
        """Return the truth of each distance; of neighbour scores it is found by the trials."""
        truths = {"fid": fid_between, "kid": kid_between}
        if self.metric not in truths:
            return {}
        reference = population_at(self.law, self.width, EQUAL)
        return {
            place: truths[self.metric](population_at(self.law, self.width, place), reference)
            for place in self.places
        }

    def trial(self, number: int, prepared: Mapping[str, Any]) -> Trial:
        """Return what is said of the scores of each distance."""
        first, *others = streams(self, number, 1 + len(self.places))
        plain = population_at(self.law, self.width, EQUAL)
        real = InMemory(plain.draw(self.num_reference, first))
        found = {}
        for place, rng in zip(self.places, others, strict=True):
            sample = population_at(self.law, self.width, place).draw(self.num_sample, rng)
            found[place] = score_record(scored(sample, real, [self.metric]))
        return found


@dataclass(frozen=True, kw_only=True)
class PredictionCell:
    """The Inception Score of predictions.

    Attributes:
        law: As in `PREDICTIONS`.
        num_sample: Images.
    """

    law: str
    num_sample: int
    metric: str = "is"
    places: tuple[str, ...] = ("",)
    num_reference: int | None = None

    @property
    def width(self) -> int:
        """Number of classes."""
        return PREDICTIONS[self.law].num_classes

    @property
    def name(self) -> str:
        """What its file is called."""
        return f"cover-is-{self.law}-{self.num_sample}"

    def prepare(self) -> Mapping[str, Any]:
        """Return the truth."""
        return {"": PREDICTIONS[self.law].score}

    def trial(self, number: int, prepared: Mapping[str, Any]) -> Trial:
        """Return what is said of the score."""
        (rng,) = streams(self, number, 1)
        logits = PREDICTIONS[self.law].draw(self.num_sample, rng)
        return {"": score_record(scored(logits, InMemory(logits[:2]), ["is"]))}


@runtime_checkable
class Covering(Cell, Protocol):
    """A cell whose trials have scores with intervals, at one or several distances."""

    @property
    def metric(self) -> str:
        """As in `METRICS`."""

    @property
    def law(self) -> str:
        """What the sample is drawn from."""

    @property
    def width(self) -> int:
        """Number of dimensions, or of classes."""

    @property
    def num_sample(self) -> int:
        """Images."""

    @property
    def num_reference(self) -> int | None:
        """Images; None for a metric without a reference."""

    @property
    def places(self) -> tuple[str, ...]:
        """Distances."""


def coverage_table(
    done: Mapping[Cell, Kept],
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the titles and the lines of the table, one line for each score and distance."""
    lines, claims = [], []
    for cell, (prepared, trials) in done.items():
        if not isinstance(cell, Covering):
            continue
        for place in cell.places:
            for kind in METRICS[cell.metric].kinds:
                scores = [one[place][kind.name] for one in trials]
                line, counts = _line(scores, prepared.get(place))
                numbers = (cell.width, cell.num_sample, cell.num_reference)
                texts = ("-" if num is None else f"{num:,}" for num in numbers)
                lines.append((kind.name, cell.law, *texts, place or "-", *line))
                claims += [(one, one.p_value(counts[one.what])) for one in COVERAGE]
    against = contradicted([p_value for _, p_value in claims])
    verdicts = [
        ", ".join(
            f"not {claim}"
            for (claim, _), bad in zip(claims[at : at + 4], against[at : at + 4], strict=True)
            if bad
        )
        for at in range(0, len(claims), len(COVERAGE))
    ]
    return TITLES, [
        (*line, verdict or ("-" if line[-2] == "-" else "holds"))
        for line, verdict in zip(lines, verdicts, strict=True)
    ]


def _line(
    scores: Sequence[Mapping[str, Any]], known: float | None
) -> tuple[tuple[str, ...], dict[str, Count]]:
    """Return the cells of a line but the first and the last ones, and what is counted.

    Args:
        scores: What each trial found.
        known: The truth; None for scores at these numbers of images, of which it is the mean.
    """
    values = np.array([one["value"] for one in scores])
    centres = np.array([one["centre"] for one in scores])
    truth = float(values.mean()) if known is None else known
    errors = [one["se"] for one in scores if one["se"] is not None]
    intervals = [one["interval"] for one in scores if one["interval"] is not None]
    num = len(intervals)
    below = sum(high < truth for _, high in intervals)
    above = sum(low > truth for low, _ in intervals)
    counts = {
        "cover": Count(num - below - above, num),
        "below": Count(below, num),
        "above": Count(above, num),
    }
    return (
        str(len(scores)),
        f"{truth:.4g}",
        f"{values.mean():.4g}",
        f"{centres.std(ddof=1):.2g}",
        f"{np.mean(errors):.2g}" if errors else "-",
        str(Count(num, len(scores))),
        *(str(counts[what]) for what in ("cover", "below", "above")),
    ), counts
