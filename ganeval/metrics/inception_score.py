"""Inception Score."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from ganeval.errors import UsageError
from ganeval.features.derived import Summary
from ganeval.metrics.base import Feature, Inputs, Need, Result, Score, rows_of
from ganeval.metrics.parts.clusters import num_units, over_units, parts_of
from ganeval.metrics.parts.extrapolation import (
    FOURTHS,
    HALVES,
    Indices,
    extrapolated,
    interval_of_infinitely_many,
    note_of_interval,
)
from ganeval.scores.influence import Influence
from ganeval.scores.kind import ScoreKind
from ganeval.scores.power import quantile

BLOCK = 4096  # rows of float64 probabilities held at a time
# Numbers of images from which the extrapolation leaves little bias: per class of the network, per
# class that the images are spread over (IS is about their number), and in total.
ENOUGH_PER_CLASS = 2
ENOUGH_PER_SCORE = 20
MINIMUM_FOR_ERROR = 100
NO_CONFIDENCE = (
    "std is the spread over the splits; it is not the error of the score, and ignores the bias"
)


@dataclass(frozen=True, slots=True)
class InceptionScore:
    """Compute how confident and how varied the predicted classes are (IS).

    Estimand: exp(E_x KL(p(y|x) || p(y))), computed as the mean over splits of
    exp(mean_i sum_c p_ic log p_ic - sum_c q_c log q_c) with q the split's mean of p, the softmax of
    the logits.

    Reference: Salimans et al., "Improved Techniques for Training GANs", NeurIPS 2016, section 4.
    Numbers: papers take 50,000 generated images in 10 splits. An error needs 2 images per class of
    the network, 20 per unit of the score, and 100 in total.
    Bias: downwards, about 1/N for the N images of a split, so it grows with the number of splits.
    Direction: higher is better; from 1 to the number of classes.
    Misleads: it never looks at real images. It depends on the number of images and of splits, and
    says little if the pictures show none of the network's classes.

    Standard error and interval: they refer to infinitely many images, and lie around the score of
    all images without its bias (`debiased` in the details; extrapolated from random halves and
    quarters). That value lies above the mean over splits. log IS is the mean of KL_i = KL(p(y|x_i)
    || p(y)), and the change of p(y) itself is of second order, so the error is that of a mean. In
    this computation p(y) is that of the other images, without x_i. With fewer than 2 images per
    class of the network, 20 per unit of the score, or 100 in total, the bias is large and not known
    well enough.

    Attributes:
        splits: Number of parts.
        order: How images are dealt to splits: by the permutation of torch-fidelity (seed 2020), by
            a permutation of the metric's own stream, or as they come (misleading if sorted by
            class).
        cut: "even" gives parts whose sizes differ by at most one image; "torch-chunk" gives equal
            parts and a smaller last one, perhaps in fewer parts, as torch.chunk does.
        std_ddof: Divisor of the standard deviation over splits is splits - std_ddof.
        layer: Logits without or with the bias of the last layer.
    """

    splits: int = 10
    order: Literal["torch-fidelity", "seeded", "given"] = "torch-fidelity"
    cut: Literal["even", "torch-chunk"] = "even"
    std_ddof: int = 0
    layer: Literal["logits", "logits_biased"] = "logits"

    common_name: ClassVar[str] = "Inception Score"
    over_clusters: ClassVar[bool] = True
    kinds: ClassVar[tuple[ScoreKind, ...]] = (
        ScoreKind(
            name="is",
            direction="higher",
            bias="removable",
            error="influence",
            stream="is",
            stands_in=None,
            plotted_against=None,
        ),
    )

    def __post_init__(self) -> None:
        """Refuse options that make no sense.

        Raises:
            UsageError: There is no split, or the divisor is neither splits nor splits - 1.
        """
        if self.splits < 1:
            raise UsageError(f"is has splits={self.splits}", "at least 1", "raise splits")
        if self.std_ddof not in (0, 1):
            raise UsageError(f"is has std_ddof={self.std_ddof}", "0 or 1", "change std_ddof")

    @property
    def needs(self) -> tuple[Need, ...]:
        """Logits of the sample, which needs at least as many items as there are splits."""
        feature = Feature(layer=self.layer)
        why = f"{self.splits} splits"
        return (Need(role="sample", feature=feature, minimum=self.splits, why=why),)

    def compute(self, inputs: Inputs, rng: np.random.Generator) -> Result:
        """Return the one score `is`; its details have `std`, the spread over the splits."""
        (sample,) = inputs.values()
        logits = rows_of(sample)
        noun = sample.noun if sample.clusters is None else f"clusters of {sample.noun}"
        order = self._permutation(len(logits), rng)
        values = [score_of_split(logits, order[part]) for part in self._parts(len(logits))]
        details: dict[str, float] = {}
        if len(values) > self.std_ddof:
            details["std"] = float(np.std(values, ddof=self.std_ddof))
        needed = max(MINIMUM_FOR_ERROR, ENOUGH_PER_CLASS * logits.shape[1])
        (kind,) = self.kinds
        score = Score(kind=kind, value=float(np.mean(values)), details=details)
        num = num_units(len(logits), sample.clusters)
        if num < needed:
            score = _without_error(score, f"{num:,} {noun} for {logits.shape[1]:,} classes", needed)
        else:
            score = _with_error(score, sample, rng)
        return Result(scores=(score,))

    def _permutation(self, num: int, rng: np.random.Generator) -> npt.NDArray[np.integer]:
        """Return the order in which images are dealt."""
        if self.order == "torch-fidelity":
            # The tool's own permutation is part of its numbers; it has its own random generator.
            return np.random.RandomState(2020).permutation(num)
        return rng.permutation(num) if self.order == "seeded" else np.arange(num)

    def _parts(self, num: int) -> Iterator[slice]:
        """Cut `num` images into splits."""
        if self.cut == "torch-chunk":
            size = -(-num // self.splits)
            return (slice(start, start + size) for start in range(0, num, size))
        edges = [index * num // self.splits for index in range(self.splits + 1)]
        return (slice(*pair) for pair in itertools.pairwise(edges))


def score_of_split(logits: npt.NDArray[np.float32], indices: npt.NDArray[np.integer]) -> float:
    """Return the Inception Score of the rows at `indices` of the logits, float32 [N, classes]."""
    total = np.zeros(logits.shape[1])
    negative_entropy = 0.0
    for start in range(0, len(indices), BLOCK):
        log_probabilities = _log_softmax(logits[indices[start : start + BLOCK]])
        probabilities = np.exp(log_probabilities)
        total += probabilities.sum(axis=0)
        negative_entropy += float(np.vdot(probabilities, log_probabilities))
    mean = total[total > 0] / len(indices)
    return float(np.exp(negative_entropy / len(indices) - mean @ np.log(mean)))


def _with_error(score: Score, sample: Summary, rng: np.random.Generator) -> Score:
    """Return the score with its standard error and interval."""
    logits, clusters, noun = rows_of(sample), sample.clusters, sample.noun
    num = num_units(len(logits), clusters)
    divergences, log_debiased = _divergences(logits, parts_of(len(logits), rng, clusters))
    debiased = float(np.exp(log_debiased))
    needed = math.ceil(ENOUGH_PER_SCORE * debiased)
    if num < needed:
        return _without_error(score, f"{num:,} {noun} for the number of classes in use", needed)
    # These are the influences on log IS; for small changes the score changes in proportion.
    centred = divergences - divergences.mean()
    influence = Influence(sample=over_units(debiased * centred, clusters))
    se = influence.se
    reach = quantile(0.975, influence.df)
    low, high = np.exp(log_debiased + reach * se / debiased * np.array([-1, 1]))
    return replace(
        score,
        se=se,
        interval=(float(low), float(high)),
        details={**score.details, "debiased": debiased},
        notes=(note_of_interval(noun), NO_CONFIDENCE),
        cautions=interval_of_infinitely_many(noun),
        influence=influence,
    )


def _without_error(score: Score, few: str, needed: int) -> Score:
    """Return the score of too few images, without an error."""
    return replace(
        score,
        notes=(f"no interval: {few}, {needed:,} are needed", NO_CONFIDENCE),
        cautions={few: f"too few to compare; {needed:,} are needed"},
        enough={"se": needed},
    )


def _divergences(
    logits: npt.NDArray[np.float32], parts: Sequence[Indices]
) -> tuple[npt.NDArray[np.float64], float]:
    """Return what each image adds to log IS, float64 [N], and log IS without its bias.

    An image adds KL(p(y|x) || p(y)) with p(y) of the other images, to first order in 1/N. If its
    own part of p(y) counted, (sum_c p_c^2 / q_c - 1) / N, images of rare classes would seem to add
    less than they do, and the variance would be up to 14 % too small.

    Args:
        logits: float32 [N, classes].
        parts: The rows of each random quarter.
    """
    num, num_classes = logits.shape
    negative_entropy = np.empty(num)
    totals = np.zeros((4, num_classes))
    for total, part in zip(totals, parts, strict=True):
        for rows in _blocks(part):
            log_probabilities = _log_softmax(logits[rows])
            probabilities = np.exp(log_probabilities)
            negative_entropy[rows] = np.einsum("ij,ij->i", probabilities, log_probabilities)
            total += probabilities.sum(axis=0)

    def log_score(group: Sequence[int]) -> float:
        """Return log IS of some of the quarters."""
        rows = np.concatenate([parts[at] for at in group])
        mean = totals[list(group)].sum(axis=0) / len(rows)
        return float(negative_entropy[rows].mean() - mean @ _log(mean))

    mean = totals.sum(axis=0) / num
    log_mean, roots = _log(mean), np.sqrt(np.where(mean > 0, mean, 1.0))
    divergences = negative_entropy.copy()
    for rows in _blocks(np.arange(num)):
        probabilities = np.exp(_log_softmax(logits[rows]))
        own_part = np.sum((probabilities / roots) ** 2, axis=1) - 1
        divergences[rows] += own_part / num - probabilities @ log_mean
    halves, fourths = ([log_score(group) for group in which] for which in (HALVES, FOURTHS))
    return divergences, extrapolated(log_score(range(4)), halves, fourths)


def _log(mean: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the logarithm, or 0 for a class that never occurs, whose value does not matter."""
    return np.log(np.where(mean > 0, mean, 1.0))


def _blocks(indices: Indices) -> Iterator[Indices]:
    """Cut indices into blocks."""
    return (indices[start : start + BLOCK] for start in range(0, len(indices), BLOCK))


def _log_softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the logarithms of the softmax over each row, float64."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted
