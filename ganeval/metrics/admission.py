"""Check a metric of another package, beyond being a frozen dataclass with the right members."""

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
    """Return what is wrong with a metric's class; None if nothing is."""
    if not isinstance(metric.common_name, str):
        return "has a common_name that is not a text"
    if not isinstance(metric.kinds, tuple) or not metric.kinds:
        return "has kinds that are not a tuple of ScoreKind"
    ours = {kind.name: name for name, entry in METRICS.own() for kind in entry.kinds}
    for kind in metric.kinds:
        reason = _what_a_kind_lacks(kind, ours)
        if reason is not None:
            return reason
        if kind.plotted_against not in (None, *(one.name for one in metric.kinds)):
            return (
                f"plots '{kind.name}' against '{kind.plotted_against}', which is not one of its "
                "scores"
            )
    try:
        needs = metric().needs
    except Exception as error:  # a stranger's code may raise anything at all
        return f"fails without options ({type(error).__name__}: {first_line(error)})"
    if not isinstance(needs, tuple) or not needs:
        return "has needs that are not a tuple of Need"
    if not all(isinstance(need, Need) and need.role in ROLES for need in needs):
        return f"has a need that is not a Need of one of the roles {', '.join(ROLES)}"
    return None


def _what_a_kind_lacks(kind: Any, ours: Mapping[str, str]) -> str | None:
    """Return what is wrong with one of its kinds.

    Its name must differ from our scores, since scores are compared, gated and looked up by name.

    Args:
        kind: The kind.
        ours: Our metrics by the names of their scores.
    """
    if not isinstance(kind, ScoreKind):
        return f"has kinds that are not a tuple of ScoreKind, but hold a {type(kind).__name__}"
    try:
        check_types(kind)
    except UsageError as error:
        return f"has a ScoreKind whose {error.found}, and not {error.needed}"
    if not _NAME.fullmatch(kind.name):
        return f"calls a score '{kind.name}', which is not in lower case with hyphens"
    if kind.name in ours:
        return f"calls a score '{kind.name}', as the metric {ours[kind.name]} of ganeval does"
    if kind.stands_in is not None and kind.stands_in not in ours:
        return (
            f"has a ScoreKind that '{kind.stands_in}' stands in for, which is not the name of a "
            "score"
        )
    return None
