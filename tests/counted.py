"""What a run decodes, and which networks see how much of it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from ganeval.features import compute as computing


@dataclass
class Counted:
    """What was done since the last `clear`.

    Attributes:
        decoded: The names of all items that were decoded, in order.
        seen: How many items went through each network.
    """

    decoded: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def clear(self) -> None:
        self.decoded.clear()
        self.seen.clear()


def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Count from now on."""
    prepare, flush, count = computing._prepare, computing._Pass._flush, Counted()

    def prepared(item: Any, *, preparations: Any) -> Any:
        count.decoded.append(item.name)
        return prepare(item, preparations=preparations)

    def flushed(self: Any, last: str) -> None:
        count.seen[self._network.name] += len(self._waiting)
        flush(self, last)

    monkeypatch.setattr(computing, "_prepare", prepared)
    monkeypatch.setattr(computing._Pass, "_flush", flushed)
    return count
