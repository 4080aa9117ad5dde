"""What errors assume: that the items are independent, or that clusters of them are."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ganeval.features.collected import Features
from ganeval.features.derived import Arrays, Summary
from ganeval.metrics.base import Inputs, Metric, Score, has_error_over_clusters

MANY_COPIES = 0.01  # share of a source's items; a reader is told of more copies
NO_ERROR = "no error over clusters"
_OF_ERRORS = re.compile(r"\b(intervals?|errors?|se)\b")


def checked_for_clusters(
    metric: Metric, inputs: Inputs, scores: Sequence[Score]
) -> tuple[Score, ...]:
    """Return scores, without their errors if these ignore that the items come in clusters.

    This is decided here alone, so that no metric ignores what the user has asked for.
    """
    clustered = any(summary.clusters is not None for summary in inputs.values())
    if not clustered or has_error_over_clusters(metric):
        return tuple(scores)
    return tuple(_without_error(score) for score in scores)


def _without_error(score: Score) -> Score:
    """Return a score without its error, and without notes and cautions about errors."""
    cautions = {
        fact: advice
        for fact, advice in score.cautions.items()
        if not _OF_ERRORS.search(f"{fact} {advice}")
    }
    return replace(
        score,
        se=None,
        interval=None,
        influence=None,
        enough={},
        notes=(NO_ERROR, *(note for note in score.notes if not _OF_ERRORS.search(note))),
        cautions={**cautions, "--cluster-by is given": f"this score has {NO_ERROR}"},
    )


@dataclass(frozen=True, slots=True)
class EqualRows:
    """How many rows are equal to an earlier one."""

    version: ClassVar[int] = 1
    keep: ClassVar[bool] = True

    def __call__(self, summary: Summary) -> Arrays:
        """Return `copies`, int64 [1]."""
        digests: set[bytes] = set()
        for block in summary.blocks():
            digests |= {hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in block}
        assert summary.num is not None
        return {"copies": np.array([summary.num - len(digests)])}


def num_copies(features: Features, summary: Summary, *, by_rows: bool) -> int:
    """Return how many items are copies of another item that counts as independent of them.

    Args:
        features: What was collected of the source.
        summary: One layer of it.
        by_rows: Whether copies are found by equal features. The digest of a generated item covers
            what it is made from, so two equal pictures have two digests.
    """
    if by_rows:
        return int(summary.derived(EqualRows())["copies"][0])
    clusters = range(features.num) if features.clusters is None else features.clusters.tolist()
    each = set(zip(features.digests, clusters, strict=True))
    return len(each) - len(set(features.digests))


def caution_of_copies(num: int, features: Features, of_role: str) -> Mapping[str, str]:
    """Return the caution that copies make items dependent; none if copies are few.

    Args:
        num: The number of copies.
        features: What was collected of the source.
        of_role: Words that say which source it is, `" of the reference"`; empty for the sample.
    """
    if num <= MANY_COPIES * features.num:
        return {}
    noun = features.noun
    units, remedy = noun, "give --cluster-by"
    if features.clusters is not None:
        units, remedy = f"clusters of {noun}", "use another rule for --cluster-by"
    return {
        f"{num:,} of {features.num:,} {noun}{of_role} are copies of others": (
            f"the error assumes independent {units}; remove the copies, or {remedy}"
        )
    }


def with_cautions(scores: Sequence[Score], cautions: Mapping[str, str]) -> tuple[Score, ...]:
    """Return scores, with cautions added to those that have an error."""
    return tuple(
        score
        if score.se is None and score.interval is None
        else replace(score, cautions={**score.cautions, **cautions})
        for score in scores
    )
