"""What a look over the sources can find."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""From the worst on: what stops a run, what spoils its number, what a reader should know."""

NUM_EXAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong with a source, or that a reader should know of it.

    Attributes:
        check: Short name of what was looked for, for programs (`"exact-duplicates"`).
        severity: See `SEVERITIES`.
        source: Location of the source, or `"fake/ and real/"`.
        what: What was found.
        needed: What a score asks for.
        remedy: What to do.
        examples: Names of the first pictures that it was found in.
    """

    check: str
    severity: Severity
    source: str
    what: str
    needed: str
    remedy: str
    examples: tuple[str, ...] = ()


def of(num: int, total: int) -> str:
    """Return how many of the pictures, in words."""
    return f"{num:,} of {total:,} picture{'' if total == 1 else 's'}"


def first_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the examples out of all names."""
    return tuple(names[:NUM_EXAMPLES])
