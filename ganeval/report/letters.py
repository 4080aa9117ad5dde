"""Letters of groups: samples that were not told apart share one."""

import string
from collections.abc import Sequence

from ganeval.scores.difference import ALPHA, Difference

_MARKED_LETTERS = 0x100  # the Latin letters with marks in Unicode


def letters(samples: Sequence[str], differences: Sequence[Difference]) -> dict[str, str]:
    """Return letters such that two samples share one if they were not told apart.

    Piepho, "An Algorithm for a Letter-Based Representation of All-Pairwise Comparisons", Journal of
    Computational and Graphical Statistics 2004: insert and absorb.

    Args:
        samples: Samples in the order of the table; the first gets "a".
        differences: All pairs of one metric; a difference without p-value counts as not shown.
    """
    columns = [frozenset(samples)]
    for one in differences:
        if one.p_adjusted is None or one.p_adjusted >= ALPHA:
            continue
        pair = {one.sample, one.other}
        split = [column - {name} for column in columns if pair <= column for name in pair]
        columns = [column for column in columns if not pair <= column]
        for column in sorted(split, key=len, reverse=True):
            if not any(column <= kept for kept in columns):
                columns.append(column)
    columns.sort(key=lambda column: sorted(map(samples.index, column)))
    return {
        name: "".join(_letter(at) for at, column in enumerate(columns) if name in column)
        for name in samples
    }


def groups(samples: Sequence[str], differences: Sequence[Difference]) -> dict[str, str]:
    """Return the letters of samples; none if some pair was not compared."""
    complete = len(differences) == len(samples) * (len(samples) - 1) // 2
    known = any(one.p_value is not None for one in differences)
    return letters(samples, differences) if complete and known else {}


def _letter(at: int) -> str:
    """Return the letter of a group: a to z, A to Z, then letters with marks."""
    plain = string.ascii_letters
    return plain[at] if at < len(plain) else chr(_MARKED_LETTERS + at - len(plain))
