"""Check every score of every metric before it is reported."""

import math
from dataclasses import replace

import numpy as np

from ganeval.errors import InputError
from ganeval.metrics.base import Result, Score
from ganeval.metrics.parts.extrapolation import interval_of_infinitely_many, note_of_interval

_RESOLUTION = 1e-12  # relative; anything smaller is rounding, not a standard error
NOTHING_VARIES = "no standard error: nothing varies"


def checked(result: Result, label: str, sample: str, noun: str) -> Result:
    """Return a result of finite numbers, without standard errors that are 0.

    If nothing varies among the items (all have the same features; all or none are counted), a
    standard error of 0 would say that the score is certain, although the next items may differ. An
    interval that has a width, such as Wilson's interval of a fraction, stays.

    Args:
        result: Result of a metric.
        label: What the metric is called.
        sample: What was scored.
        noun: What the items of the sample are called.

    Raises:
        InputError: A number is not finite.
    """
    for score in result.scores:
        _check_finite(score, label, sample)
    return replace(result, scores=tuple(_without_certainty(one, noun) for one in result.scores))


def _check_finite(score: Score, label: str, sample: str) -> None:
    """Refuse a score that holds NaN or infinity."""
    low, high = score.interval or (0.0, 0.0)
    numbers = {
        score.name: score.value,
        "its standard error": score.se or 0.0,
        "the lower end of its interval": low,
        "the upper end of its interval": high,
        **score.details,
    }
    if score.influence is not None:
        for side in ("sample", "reference"):
            values = getattr(score.influence, side)
            if values is not None:
                numbers[f"the influences of the {side}"] = float(np.sum(np.abs(values)))
    for name, number in numbers.items():
        if not math.isfinite(number):
            raise InputError(
                f"{label} of {sample}: {name} is {number}",
                "finite numbers, from features that do not overflow its arithmetic",
                f"look at the features for huge values, or leave out {label}",
            )


def _without_certainty(score: Score, noun: str) -> Score:
    """Return the score without a standard error of 0, and without an interval of no width."""
    smallest = _RESOLUTION * abs(score.value)
    if score.se is None or score.se > smallest:
        return score
    score = replace(score, se=None, notes=(*score.notes, NOTHING_VARIES))
    if score.interval is None or score.interval[1] - score.interval[0] > 4 * smallest:
        return score
    said = interval_of_infinitely_many(noun)
    return replace(
        score,
        interval=None,
        notes=tuple(note for note in score.notes if note != note_of_interval(noun)),
        cautions={fact: advice for fact, advice in score.cautions.items() if fact not in said},
    )
