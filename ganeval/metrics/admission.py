"""What a metric of another package has to be, beside a frozen dataclass with the right members."""

import re
from collections.abc import Mapping
from typing import Any

from ganeval.errors import UsageError
from ganeval.metrics.base import ROLES, Need
from ganeval.metrics.table import METRICS
from ganeval.packages import first_line
from ganeval.registry import check_types
from ganeval.scores.kind import ScoreKind

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def what_it_lacks(metric: Any) -> str | None:
    """Return what is wrong with a metric's class, None if nothing is."""
    if not isinstance(metric.common_name, str):
        return "has a common_name that is no text"
    if not isinstance(metric.kinds, tuple) or not metric.kinds:
        return "has kinds that are no tuple of ScoreKind"
    ours = {kind.name: name for name, entry in METRICS.own() for kind in entry.kinds}
    for kind in metric.kinds:
        reason = _what_a_kind_lacks(kind, ours)
        if reason is not None:
            return reason
        if kind.plotted_against not in (None, *(one.name for one in metric.kinds)):
            return f"plots '{kind.name}' against '{kind.plotted_against}', no score of its own"
    try:
        needs = metric().needs
    except Exception as error:  # a stranger's code may raise anything at all
        return f"fails without options ({type(error).__name__}: {first_line(error)})"
    if not isinstance(needs, tuple) or not needs:
        return "has needs that are no tuple of Need"
    if not all(isinstance(need, Need) and need.role in ROLES for need in needs):
        return f"has a need that is no Need of one of the roles {', '.join(ROLES)}"
    return None


def _what_a_kind_lacks(kind: Any, ours: Mapping[str, str]) -> str | None:
    """Return what is wrong with one of its kinds.

    None of ours has its name: by that a score is compared, gated on and found in older reports.

    Args:
        kind: The kind.
        ours: The metric of ganeval that gives a score, by the score's name.
    """
    if not isinstance(kind, ScoreKind):
        return f"has kinds that are no tuple of ScoreKind, but hold a {type(kind).__name__}"
    try:
        check_types(kind)
    except UsageError as error:
        return f"has a ScoreKind whose {error.found}, and not {error.needed}"
    if not _NAME.fullmatch(kind.name):
        return f"calls a score '{kind.name}', which is not in lower case with hyphens"
    if kind.name in ours:
        return f"calls a score '{kind.name}', as the metric {ours[kind.name]} of ganeval does"
    if kind.stands_in is not None and kind.stands_in not in ours:
        return f"has a ScoreKind that '{kind.stands_in}' stands in for, which is no score"
    return None
