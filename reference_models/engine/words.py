"""List names in messages, even if there are very many."""

from collections.abc import Sequence

_SHOWN = 5


def listed(names: Sequence[str]) -> str:
    """Return names in one line, such as `a, b, c, d, e and 95 more`."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + f" and {more:,} more" * (more > 0)
