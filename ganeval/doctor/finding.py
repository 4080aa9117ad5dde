"""What a look over the sources can find."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from ganeval.doctor.look import Refusal

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


def of(num: int, total: int, item: str = "picture") -> str:
    """Return how many of the items, in words."""
    return f"{num:,} of {counted(total, item)}"


def counted(num: int, item: str) -> str:
    """Return a number of items in words: "1 clip", "2,000 clips"."""
    return f"{num:,} {item}{'' if num == 1 else 's'}"


class AnyInventory(Protocol):
    """What there is to know of a source, whatever its items are; see `Inventory`."""

    @property
    def location(self) -> str:
        """As the user wrote it."""

    @property
    def kind(self) -> str:
        """The kind of source."""

    @property
    def count(self) -> int | None:
        """The number of items; None if that is not known."""

    @property
    def looks(self) -> Sequence["AnyLook"]:
        """What each item shows."""

    @property
    def digests(self) -> Counter[bytes]:
        """Number of items by content."""

    @property
    def refusals(self) -> Sequence[Refusal]:
        """The items that scoring refuses."""

    @property
    def ignored(self) -> Mapping[str, int]:
        """What was left alone, by reason."""

    @property
    def extractor(self) -> str:
        """The network that is to score it."""

    @property
    def num_features(self) -> int:
        """How many features that has."""

    @property
    def num_wanted(self) -> int | None:
        """How many items scoring was told to use; None for all."""

    @property
    def num_skippable(self) -> int:
        """How many refused items scoring was told to skip."""

    @property
    def item(self) -> str:
        """What each item is."""

    @property
    def noun(self) -> str:
        """What several are called."""


class AnyLook(Protocol):
    """What there is to say of any item."""

    @property
    def name(self) -> str:
        """Its name in messages."""

    @property
    def digest(self) -> bytes:
        """Digest of its content."""


def first_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the examples out of all names."""
    return tuple(names[:NUM_EXAMPLES])
