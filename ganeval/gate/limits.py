"""How much worse a score may become: what stands behind `--max-regress`."""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from ganeval.errors import UsageError

DEFAULT = "fid=10%"
"""What an unchanged generator can pass in practice (docs/measured/calibration.md)."""


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
        """Return the limit in units of the score; None for a fraction of nothing above 0."""
        if not self.relative:
            return self.amount
        return self.amount * baseline if baseline > 0 else None

    def weight(self, direction: str) -> float:
        """Return by what the baseline's value is multiplied to give the value that is tolerated."""
        if not self.relative:
            return 1.0
        return 1 - self.amount if direction == "higher" else 1 + self.amount

    def __str__(self) -> str:
        return f"{self.amount * 100:.6g}%" if self.relative else f"{self.amount:.6g}"


def parse_limits(texts: Iterable[str]) -> tuple[Limit, ...]:
    """Return the limits of `fid=2%,kid=0.001` texts, in their order.

    Raises:
        UsageError: A text that is no limit, a score named twice, or none at all.
    """
    parts = [part.strip() for text in texts for part in text.split(",")]
    limits = tuple(_limit(part) for part in parts if part)
    names = [limit.name for limit in limits]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"--max-regress names '{name}' twice", "each once", "remove one")
    if not limits:
        raise UsageError("--max-regress names no score", f"such as {DEFAULT}", "name one")
    return limits


def limits_for(scores: Collection[str], texts: Sequence[str]) -> tuple[Limit, ...]:
    """Return the limits of some texts; none where only the default is asked for and has no score.

    Args:
        scores: The labels that there are.
        texts: As for `parse_limits`.
    """
    if list(texts) == [DEFAULT] and DEFAULT.partition("=")[0] not in scores:
        return ()
    return parse_limits(texts)


def _limit(text: str) -> Limit:
    """Return the limit of one `NAME=AMOUNT` or `NAME=SHARE%`."""
    name, _, amount = text.rpartition("=")  # an option of the score has a sign too
    relative = amount.endswith("%")
    try:
        number = float(amount.removesuffix("%"))
    except ValueError:
        number = math.nan
    if not name or not math.isfinite(number) or number <= 0:
        raise UsageError(
            f"--max-regress {text}",
            f"NAME=AMOUNT or NAME=SHARE% above 0, such as {DEFAULT}",
            "change it: with no tolerance at all no unchanged generator could ever be shown to pass"
            if number == 0
            else "change it",
        )
    return Limit(name=name, amount=number / 100 if relative else number, relative=relative)
