"""Inception Score."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from ganeval.errors import UsageError
from ganeval.metrics.base import Feature, Inputs, Need, Result, Score, rows_of
from ganeval.metrics.parts.extrapolation import (
    HALVES,
    Extrapolation,
    Indices,
    interval_of_infinitely_many,
    quarters,
)
from ganeval.scores.influence import Influence
from ganeval.scores.kind import ScoreKind

BLOCK = 4096  # rows of float64 probabilities held at a time
MINIMUM_FOR_ERROR = 8  # images, 2 in each of the parts that the bias is extrapolated from
NO_CONFIDENCE = (
    "std is the spread over the splits, no error of the score, and leaves out their bias"
)


@dataclass(frozen=True, slots=True)
class InceptionScore:
    """Compute how confident and how varied the predicted classes are (IS).

    Estimand: exp(E_x KL(p(y|x) || p(y))), computed as the mean over splits of
    exp(mean_i sum_c p_ic log p_ic - sum_c q_c log q_c) with q the split's mean of p, the softmax of
    the logits.

    Reference: Salimans et al., "Improved Techniques for Training GANs", NeurIPS 2016, section 4.
    Bias: downwards, about 1/N of a split, so more with more splits.
    Direction: higher is better; from 1 to the number of classes.

    Standard error: value sd(KL_i) / sqrt(N) with KL_i = KL(p(y|x_i) || p(y)) over all images, since
    log IS is their mean, and the change of p(y) itself is of second order.

    Interval: of infinitely many images, around the score of all of them without its bias
    (extrapolated from random halves and quarters), which lies above the mean over splits. There is
    none where what the extrapolation does last is still as large as its error.

    Attributes:
        splits: Number of parts.
        order: How images are dealt to splits: by the permutation of torch-fidelity (seed 2020), by
            a permutation of the metric's own stream, or as they come (misleading if sorted by
            class).
        cut: "even" gives parts that differ by one image at most; "torch-chunk" gives equal parts
            and a smaller last one, perhaps in fewer parts, as torch.chunk does.
        std_ddof: Divisor of the standard deviation over splits is splits - std_ddof.
        layer: Logits without or with the bias of the last layer.
    """

    splits: int = 10
    order: Literal["torch-fidelity", "seeded", "given"] = "torch-fidelity"
    cut: Literal["even", "torch-chunk"] = "even"
    std_ddof: int = 0
    layer: Literal["logits", "logits_biased"] = "logits"

    common_name: ClassVar[str] = "Inception Score"
    kinds: ClassVar[tuple[ScoreKind, ...]] = (
        ScoreKind(
            name="is",
            direction="higher",
            bias="depends-on-numbers",
            error="influence",
            stream="is",
            stands_in=None,
            plotted_against=None,
        ),
    )

    def __post_init__(self) -> None:
        """Refuse options that make no sense.

        Raises:
            UsageError: No split, or a divisor that is neither splits nor splits - 1.
        """
        if self.splits < 1:
            raise UsageError(f"is has splits={self.splits}", "at least 1", "raise splits")
        if self.std_ddof not in (0, 1):
            raise UsageError(f"is has std_ddof={self.std_ddof}", "0 or 1", "change std_ddof")

    @property
    def needs(self) -> tuple[Need, ...]:
        """Logits of the sample, of as many items as there are splits."""
        feature = Feature(layer=self.layer)
        why = f"{self.splits} splits"
        return (Need(role="sample", feature=feature, minimum=self.splits, why=why),)

    def compute(self, inputs: Inputs, rng: np.random.Generator) -> Result:
        """Return the one score `is`; its details have `std`, the spread over the splits."""
        (sample,) = inputs.values()
        logits, noun = rows_of(sample), sample.noun
        order = self._permutation(len(logits), rng)
        values = [score_of_split(logits, order[part]) for part in self._parts(len(logits))]
        details: dict[str, float] = {}
        if len(values) > self.std_ddof:
            details["std"] = float(np.std(values, ddof=self.std_ddof))
        (kind,) = self.kinds
        score = Score(kind=kind, value=float(np.mean(values)), details=details)
        if len(logits) < MINIMUM_FOR_ERROR:
            few = f"{len(logits)} {noun}"
            score = replace(
                score,
                notes=(f"no interval: {few}", NO_CONFIDENCE),
                cautions={few: f"too few for a standard error ({MINIMUM_FOR_ERROR} are needed)"},
            )
        else:
            score = _with_error(score, logits, rng, noun)
        return Result(scores=(score,))

    def _permutation(self, num: int, rng: np.random.Generator) -> npt.NDArray[np.integer]:
        """Return the order in which images are dealt."""
        if self.order == "torch-fidelity":
            # The tool's own permutation is part of its numbers, and a generator of its own.
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


def _with_error(
    score: Score, logits: npt.NDArray[np.float32], rng: np.random.Generator, noun: str
) -> Score:
    """Return the score with its standard error and, where it is honest, its interval."""
    parts = quarters(len(logits), rng)
    divergences, extrapolation = _divergences(logits, parts)
    # Both are of log IS; for small changes the score changes in proportion.
    scale = score.value
    centred = divergences - divergences.mean()
    influence = Influence(
        sample=scale * centred, remainder=scale * extrapolation.remainder((centred, parts))
    )
    score = replace(score, se=influence.se, influence=influence)
    log_error = influence.extrapolated_se / scale
    if abs(extrapolation.second_term) > log_error:
        note = f"no interval: at this number of {noun} the bias is large and not known well enough"
        advice = f"the bias is large; compare at equal numbers of {noun} only"
        cautions = {f"{len(logits):,} {noun}": advice}
        return replace(score, notes=(note, NO_CONFIDENCE), cautions=cautions)
    ends = np.exp(extrapolation.value + 1.96 * log_error * np.array([-1, 1]))
    note = f"interval of infinitely many {noun}, around the value without its bias"
    return replace(
        score,
        interval=(float(ends[0]), float(ends[1])),
        notes=(note, NO_CONFIDENCE),
        cautions=interval_of_infinitely_many(noun),
    )


def _divergences(
    logits: npt.NDArray[np.float32], parts: Sequence[Indices]
) -> tuple[npt.NDArray[np.float64], Extrapolation]:
    """Return each image's KL(p(y|x) || p(y)), float64 [N], and log IS of all, halves, quarters."""
    negative_entropy = np.empty(len(logits))
    totals = np.zeros((len(parts), logits.shape[1]))
    for total, part in zip(totals, parts, strict=True):
        for rows in _blocks(part):
            log_probabilities = _log_softmax(logits[rows])
            probabilities = np.exp(log_probabilities)
            total += probabilities.sum(axis=0)
            negative_entropy[rows] = np.einsum("ij,ij->i", probabilities, log_probabilities)

    def log_score(*which: int) -> float:
        num = sum(len(parts[at]) for at in which)
        mean = totals[list(which)].sum(axis=0) / num
        entropies = sum(float(negative_entropy[parts[at]].sum()) for at in which)
        return entropies / num - float(mean @ _log(mean))

    log_mean = _log(totals.sum(axis=0) / len(logits))
    divergences = negative_entropy.copy()
    for rows in _blocks(np.arange(len(logits))):
        divergences[rows] -= np.exp(_log_softmax(logits[rows])) @ log_mean
    everything = range(len(parts))
    return divergences, Extrapolation(
        log_score(*everything),
        [log_score(*half) for half in HALVES],
        [log_score(at) for at in everything],
    )


def _log(mean: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the logarithm, and 0 for a class that never occurs, where nothing depends on it."""
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
