"""The Frechet distance within each class."""

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ganeval.errors import InputError, one_line
from ganeval.features.derived import Summary
from ganeval.features.moments import Moments
from ganeval.metrics.base import Inputs, Need, Result, Role, Score, by_role, labels_of, rows_of
from ganeval.metrics.parts.frechet_error import ENOUGH_FOR_ERROR, Gaussian, distance, influence_of
from ganeval.scores.influence import Influence
from ganeval.scores.kind import ScoreKind

_SHOWN = 3  # classes that the notes name


@dataclass(frozen=True, slots=True)
class IntraFid:
    """Compute the mean over classes of the Frechet distance within each (intra-FID).

    Estimand: the mean over the classes of FID between the sample's items of a class and the
    reference's of the same class, each class with the same weight.

    Reference: Miyato and Koyama, "cGANs with Projection Discriminator", ICLR 2018, section 4.1.
    Bias: upwards, about C/N of each class, so far above that of FID; the numbers of items of each
    class must agree between scores that are compared.
    Direction: lower is better; 0 for equal moments in every class.

    Standard error: from the influences of the items within each class, which are independent; from
    2 items per dimension in every class on. There is no interval.
    """

    common_name: ClassVar[str] = "Frechet Inception distance within classes"
    kinds: ClassVar[tuple[ScoreKind, ...]] = (
        ScoreKind(
            name="intra-fid",
            direction="lower",
            bias="depends-on-numbers",
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
        own_rows, real_rows = (
            {one: np.flatnonzero(np.array(labels_of(side)) == one) for one in classes}
            for side in (sample, reference)
        )
        fewest = min(len(rows) for rows in (*own_rows.values(), *real_rows.values()))
        enough = fewest >= ENOUGH_FOR_ERROR * sample.width
        values: dict[str, float] = {}
        of_sample = np.zeros(sample.num or 0)
        of_reference = np.zeros(reference.num or 0)
        for one in classes:
            own, real = own_rows[one], real_rows[one]
            pair = _of_class("sample", sample, own), _of_class("reference", reference, real)
            values[one] = distance(*pair)
            if enough:
                influence = influence_of(*pair)
                assert influence.reference is not None
                # A mean over all items of these is the mean over classes of each class's mean.
                of_sample[own] = influence.sample * len(of_sample) / (len(own) * len(classes))
                of_reference[real] = (
                    influence.reference * len(of_reference) / (len(real) * len(classes))
                )
        notes, cautions = _what_to_know(values, fewest, sample, enough=enough)
        found = Influence(sample=of_sample, reference=of_reference) if enough else None
        (kind,) = self.kinds
        score = Score(
            kind=kind,
            value=float(np.mean(list(values.values()))),
            se=None if found is None else found.se,
            details={"classes": float(len(classes)), "fewest_of_a_class": float(fewest)},
            notes=notes,
            cautions=cautions,
            influence=found,
        )
        return Result(scores=(score,))


def _common_classes(sample: Summary, reference: Summary) -> list[str]:
    """Return the classes, which are the same on both sides and have 2 items at least.

    Raises:
        InputError: They are not.
    """
    counts = [Counter(labels_of(side)) for side in (sample, reference)]
    for at, which in enumerate(("sample", "reference")):
        lonely = sorted(counts[at].keys() - counts[1 - at].keys())
        if lonely:
            more = f" and {len(lonely) - _SHOWN:,} more" if len(lonely) > _SHOWN else ""
            raise InputError(
                f"classes of the {which} alone: {one_line(', '.join(lonely[:_SHOWN]))}{more}",
                "the same classes in sample and reference, by the same names",
                "rename or remove folders or labels, or leave out intra-fid",
            )
    for side, which in zip(counts, ("sample", "reference"), strict=True):
        few = min(side, key=lambda one: (side[one], one))
        if side[few] < 2:
            raise InputError(
                f"class {one_line(few)} of the {which}: 1 {sample.noun[:-1]}",
                "intra-fid needs at least 2 of each class (a covariance)",
                f"add {sample.noun}, or leave out intra-fid",
            )
    return sorted(counts[0])


def _of_class(
    role: Role, summary: Summary, rows: np.ndarray[tuple[int], np.dtype[np.intp]]
) -> Gaussian:
    """Return the items of a class as a side of a distance."""
    features = rows_of(summary)[rows]
    return Gaussian(role, Moments.of(features), features, noun=summary.noun)


def _what_to_know(
    values: dict[str, float], fewest: int, sample: Summary, *, enough: bool
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the notes and cautions of the score."""
    worst = sorted(values, key=lambda one: (-values[one], one))[:_SHOWN]
    shown = ", ".join(f"{one_line(one)} {values[one]:.4g}" for one in worst)
    notes = [f"largest of {len(values)} classes: {shown}"]
    width = sample.width
    if enough:
        notes.append("no interval: the bias of each class is not removed")
        return tuple(notes), {}
    notes.append(
        f"no interval: a class has {fewest:,} {sample.noun}, fewer than "
        f"{ENOUGH_FOR_ERROR * width:,} ({ENOUGH_FOR_ERROR} per dimension), and no standard error"
    )
    few = f"{fewest:,} {sample.noun} of a class for {width:,} dimensions"
    return tuple(notes), {few: "too few to compare but at equal numbers of each class"}
