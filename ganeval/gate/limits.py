"""How much worse a score may become: the limits of `--max-regress`."""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from ganeval.errors import UsageError

DEFAULT = "fid=10%"
"""A limit that an unchanged generator can pass in practice (docs/measured/calibration.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The largest tolerated regression of one score.

    Attributes:
        name: Label of the score: `"fid"`, `"fid@mine"`, `"precision:k=5"`, ...
        amount: Above 0; a fraction if relative, else in units of the score.
        relative: Whether it is a fraction of the baseline's value.
    """

    name: str
    amount: float
    relative: bool

    def margin(self, baseline: float) -> float | None:
        """Return the limit in units of the score; None for a fraction of a value not above 0."""
        if not self.relative:
            return self.amount
        return self.amount * baseline if baseline > 0 else None

    def doubt(self, baseline: float) -> str | None:
        """Return a warning if the amount is so large that a percent sign seems to be missing."""
        if self.relative or self.amount < 1 or self.amount <= abs(baseline):
            return None
        times = self.amount / abs(baseline) if baseline else math.inf
        return (
            f"--max-regress {self.name}={self} tolerates {times:,.0f} times the baseline's "
            f"{baseline:.4g}; if a share is meant, write {self.name}={self}%"
        )

    def weight(self, direction: str) -> float:
        """Return the factor from the baseline's value to the worst tolerated value."""
        if not self.relative:
            return 1.0
        return 1 - self.amount if direction == "higher" else 1 + self.amount

    def __str__(self) -> str:
        return f"{self.amount * 100:.6g}%" if self.relative else f"{self.amount:.6g}"


def parse_limits(texts: Iterable[str]) -> tuple[Limit, ...]:
    """Return the limits of `fid=2%,kid=0.001` texts, in their order.

    Raises:
        UsageError: A text is not a limit, a score is named twice, or there is none at all.
    """
    parts = [part.strip() for text in texts for part in text.split(",")]
    limits = tuple(_limit(part) for part in parts if part)
    names = [limit.name for limit in limits]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"--max-regress names '{name}' twice", "each once", "remove one")
    if not limits:
        raise UsageError("--max-regress names no score", f"a limit, such as {DEFAULT}", "name one")
    return limits


def limits_for(scores: Collection[str], texts: Sequence[str]) -> tuple[Limit, ...]:
    """Return the limits of some texts; none if they are the default and its score is missing.

    Args:
        scores: The labels of the scores.
        texts: As for `parse_limits`.
    """
    if list(texts) == [DEFAULT] and DEFAULT.partition("=")[0] not in scores:
        return ()
    return parse_limits(texts)


def _limit(text: str) -> Limit:
    """Return the limit of one `NAME=AMOUNT` or `NAME=SHARE%`."""
    name, _, amount = text.rpartition("=")  # an option of the score has an equals sign too
    relative = amount.endswith("%")
    try:
        number = float(amount.removesuffix("%"))
    except ValueError:
        number = math.nan
    if not name or not math.isfinite(number) or number <= 0:
        raise UsageError(
            f"--max-regress {text}",
            f"NAME=AMOUNT or NAME=SHARE% above 0, such as {DEFAULT}",
            "change it: without any tolerance, not even an unchanged generator could pass"
            if number == 0
            else "change it",
        )
    return Limit(name=name, amount=number / 100 if relative else number, relative=relative)
