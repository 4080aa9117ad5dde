"""Items that cannot be used, reported together if the same remedy helps."""

import math
import re
from collections.abc import Sequence

from ganeval.errors import NEEDED, InputError
from ganeval.sources.base import plural

LOOKED_AT = 10_000
"""So many items are decoded once one cannot be used, to report everything that is wrong."""

_NAMES_SHOWN = 3
_OPTION = re.compile(r"`(--[^`]+)`")


def unusable_items(
    location: str, reasons: Sequence[str], *, num: int, total: int, content: str
) -> InputError:
    """Return the error for items that cannot be used.

    If there are several reasons, its `details` have a line for each remedy: the number of items,
    the first of them, and the remedy.

    Args:
        location: Where the source is.
        reasons: One line each, the text of an `InputError`; an item may have several.
        num: How many items cannot be used.
        total: Number of items of the source.
        content: What each is; see `SourceInfo.content`.
    """
    groups = _grouped(reasons)
    found, needed, remedy = _parts(reasons[0])
    options = dict.fromkeys(option for group in groups for option in _OPTION.findall(group[0]))
    lost = sum(len(group) for group in groups if not _OPTION.search(group[0]))
    skip = "--on-bad-image skip"
    if lost > 0.01 * total:
        skip += f" --max-bad {min(math.ceil(100 * lost / total), 100)}%"
    if len(groups) > 1:
        needed = f"{len(groups)} things, listed in the lines above"
        cures = [f"add `{' '.join(options)}`"] if options else []
        others = "the others" if options else "them"
        cures += [f"repair or remove {others}, or skip them with `{skip}`"] if lost else []
        remedy = ", and ".join(cures)
    elif lost:
        remedy += f", or skip {'it' if num == 1 else 'them'} with {skip}"
    if num > 1:
        found = (
            f"{location}: {num:,} of {total:,} {plural(content)} cannot be used, the first: {found}"
        )
    error = InputError(found, needed, remedy)
    return error.with_details(grouped_lines(reasons, content) if len(reasons) > 1 else ())


def is_too_many(num: int, count: int, max_bad: float) -> bool:
    """Tell whether `num` of `count` items are more than the share `max_bad`.

    29 of 100 are not more than 29%, although 0.29 * 100 is less than 29 in floating point.
    """
    return num > max_bad * count * (1 + 1e-9)


def check_skipped(
    location: str, reasons: Sequence[str], count: int, max_bad: float, content: str
) -> None:
    """Refuse a source if too many of its items would be skipped.

    Raises:
        InputError: More than the share `max_bad` of its `count` items cannot be used.
    """
    if is_too_many(len(reasons), count, max_bad):
        raise InputError(
            f"{location}: {len(reasons):,} of {count:,} {plural(content)} cannot be used, "
            f"the first: {_parts(reasons[0])[0]}",
            f"at most {100 * max_bad:.4g}% to skip",
            f"add `--max-bad {math.ceil(100 * len(reasons) / count)}%`, or repair them",
        ).with_details(grouped_lines(reasons, content))


def grouped_lines(reasons: Sequence[str], content: str) -> list[str]:
    """Return a line for each group of items with the same remedy, the largest group first."""
    lines = []
    for group in _grouped(reasons):
        first, *others = group
        if not others:
            lines.append(first)
            continue
        found, needed, remedy = _parts(first)
        names = [_parts(other)[0].partition(": ")[0] for other in others[:_NAMES_SHOWN]]
        more = len(others) - len(names)
        rest = f" and {more:,} more" if more else ""
        lines.append(
            f"{len(group):,} {plural(content)}, the first: {found}; {NEEDED}{needed}; {remedy} "
            f"(also {', '.join(names)}{rest})"
        )
    return lines


def _grouped(reasons: Sequence[str]) -> list[list[str]]:
    """Return the reasons with the same need and remedy together, the largest group first."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for reason in reasons:
        groups.setdefault(_parts(reason)[1:], []).append(reason)
    return sorted(groups.values(), key=len, reverse=True)


def _parts(reason: str) -> tuple[str, ...]:
    """Return what was found, what is needed and the remedy; a name may have semicolons."""
    found, needed, remedy = [*reason.rsplit("; ", 2), "", ""][:3]
    return found, needed.removeprefix(NEEDED), remedy
