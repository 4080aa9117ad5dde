"""The mean Frechet distance within classes."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ganeval.errors import InputError, one_line
from ganeval.features.derived import Summary
from ganeval.features.moments import Moments
from ganeval.metrics.base import Inputs, Need, Result, Role, Score, by_role, labels_of, rows_of
from ganeval.metrics.parts.clusters import Clusters, num_units
from ganeval.metrics.parts.extrapolation import (
    Indices,
    interval_of_infinitely_many,
    note_of_interval,
)
from ganeval.metrics.parts.frechet_error import (
    ENOUGH_FOR_INTERVAL,
    Error,
    Gaussian,
    distance,
    error_of,
)
from ganeval.metrics.parts.intervals import of_distance
from ganeval.scores.influence import Influence
from ganeval.scores.kind import ScoreKind

_SHOWN = 3  # classes that the notes name


@dataclass(frozen=True, slots=True)
class IntraFid:
    """Compute the mean over classes of the Frechet distance within each (intra-FID).

    Estimand: the mean over the classes of FID between the sample's items of a class and the
    reference's of the same class, each class with the same weight.

    Reference: Miyato and Koyama, "cGANs with Projection Discriminator", ICLR 2018, section 4.1.
    Numbers: the same number of items of each class on both sides; an error needs 5 items per
    dimension in every class.
    Bias: upwards, about C/N with the N items of one class, so far above the bias of FID.
    Direction: lower is better; 0 for equal moments in every class.
    Misleads: each class has few images, so the bias is large: compare at equal numbers of each
    class only.

    Standard error and interval: those of FID, for the mean over classes of the distances without
    bias; they need 5 items per dimension in every class. Items of different classes are independent
    unless they belong to one cluster.
    """

    common_name: ClassVar[str] = "Frechet Inception distance within classes"
    over_clusters: ClassVar[bool] = True
    kinds: ClassVar[tuple[ScoreKind, ...]] = (
        ScoreKind(
            name="intra-fid",
            direction="lower",
            bias="removable",
            error="influence",
            stream="intra-fid",
            stands_in=None,
            plotted_against=None,
        ),
    )

    @property
    def needs(self) -> tuple[Need, ...]:
        """Pooled features and classes of both sides."""
        sample, reference = (
            Need(role=role, labels=True, minimum=2, why="a covariance")
            for role in ("sample", "reference")
        )
        return sample, reference

    def compute(self, inputs: Inputs, rng: np.random.Generator) -> Result:
        """Return the one score `intra-fid`.

        Raises:
            InputError: A class is on one side only, or has fewer than 2 items on a side.
        """
        sides = by_role(inputs)
        sample, reference = sides["sample"], sides["reference"]
        classes = _common_classes(sample, reference)
        own, real = ({one: _Class.of(side, one) for one in classes} for side in (sample, reference))
        fewest = min(one.num for one in (*own.values(), *real.values()))
        values: dict[str, float] = {}
        errors: list[Error] = []
        of_sample, of_reference = (
            np.zeros(num_units(side.num or 0, side.clusters)) for side in (sample, reference)
        )
        for one in classes:
            pair = own[one].gaussian("sample", sample), real[one].gaussian("reference", reference)
            values[one] = distance(*pair)
            error = error_of(values[one], *pair, rng, None)
            errors.append(error)
            if error.influence is None or not error.details:
                continue  # too few in one class, so no class has an error
            assert error.influence.reference is not None
            # The mean of these over all units is the mean over classes of each class's mean. A
            # cluster may have items of several classes.
            share = 1 / len(classes)
            of_sample[own[one].units] += (
                error.influence.sample * share * len(of_sample) / own[one].num
            )
            of_reference[real[one].units] += (
                error.influence.reference * share * len(of_reference) / real[one].num
            )
        value = float(np.mean(list(values.values())))
        score = Score(
            kind=self.kinds[0],
            value=value,
            details={"classes": float(len(classes)), "fewest_of_a_class": float(fewest)},
            notes=(_largest(values),),
        )
        ways = {way for error in errors for way in error.details}
        if not all(error.details for error in errors):
            return Result(scores=(_without_error(score, fewest, sample),))
        influence = Influence(sample=of_sample, reference=of_reference)
        debiased = float(np.mean([next(iter(error.details.values())) for error in errors]))
        score = replace(score, influence=influence)
        if ways != {"debiased"}:
            score = replace(score, details={**score.details, "roughly_debiased": debiased})
            return Result(scores=(_without_error(score, fewest, sample),))
        se = influence.se
        score = replace(
            score,
            se=se,
            interval=of_distance(debiased, se, influence.df),
            details={**score.details, "debiased": debiased},
            notes=(*score.notes, note_of_interval(sample.noun)),
            cautions=interval_of_infinitely_many(sample.noun),
        )
        return Result(scores=(score,))


@dataclass(frozen=True, slots=True, eq=False)
class _Class:
    """The items of one class on one side.

    Attributes:
        rows: Their row numbers, int [n].
        units: The independent units that they make up, int [C]: the items, or their clusters.
        clusters: The unit of each item, int64 [n]; None if every item is a unit.
    """

    rows: Indices
    units: Indices
    clusters: Clusters | None

    @classmethod
    def of(cls, side: Summary, name: str) -> "_Class":
        """Find the items of a class."""
        rows = np.flatnonzero(np.array(labels_of(side)) == name)
        if side.clusters is None:
            return cls(rows, rows, None)
        units, clusters = np.unique(side.clusters[rows], return_inverse=True)
        return cls(rows, units, clusters.astype(np.int64))

    @property
    def num(self) -> int:
        """The number of independent units."""
        return len(self.units)

    def gaussian(self, role: Role, side: Summary) -> Gaussian:
        """Return the items as a side of a distance."""
        features = rows_of(side)[self.rows]
        return Gaussian(
            role,
            Moments.of(features),
            features,
            noun=side.noun,
            num=self.num,
            clusters=self.clusters,
        )


def _common_classes(sample: Summary, reference: Summary) -> list[str]:
    """Return the classes, which both sides have with at least 2 items each.

    Raises:
        InputError: A class is on one side only, or has fewer than 2 items on a side.
    """
    counts = [Counter(labels_of(side)) for side in (sample, reference)]
    for at, which in enumerate(("sample", "reference")):
        lonely = sorted(counts[at].keys() - counts[1 - at].keys())
        if lonely:
            more = f" and {len(lonely) - _SHOWN:,} more" if len(lonely) > _SHOWN else ""
            raise InputError(
                f"classes that only the {which} has: {one_line(', '.join(lonely[:_SHOWN]))}{more}",
                "the same classes, with the same names, in sample and reference",
                "rename or remove folders or labels, or leave out intra-fid",
            )
    for side, which in zip(counts, ("sample", "reference"), strict=True):
        few = min(side, key=lambda one: (side[one], one))
        if side[few] < 2:
            raise InputError(
                f"class {one_line(few)} of the {which}: 1 {sample.noun[:-1]}",
                "at least 2 of each class for intra-fid (a covariance)",
                f"add {sample.noun}, or leave out intra-fid",
            )
    return sorted(counts[0])


def _largest(values: dict[str, float]) -> str:
    """Name the classes with the largest distances."""
    worst = sorted(values, key=lambda one: (-values[one], one))[:_SHOWN]
    shown = ", ".join(f"{one_line(one)} {values[one]:.4g}" for one in worst)
    return f"largest of {len(values)} classes: {shown}"


def _without_error(score: Score, fewest: int, sample: Summary) -> Score:
    """Say why the score has no error: a class has too few items."""
    needed = ENOUGH_FOR_INTERVAL * sample.width
    noun = sample.noun if sample.clusters is None else f"clusters of {sample.noun}"
    few = f"{fewest:,} {noun} in the smallest class for {sample.width:,} dimensions"
    return replace(
        score,
        notes=(*score.notes, f"no interval: {few}, {needed:,} are needed (5 per dimension)"),
        cautions={few: f"too few for an interval; {needed:,} of each class are needed"},
    )
