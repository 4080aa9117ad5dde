"""What calling the command line gives."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """What a command printed and returned."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one error line; stdout must be empty with it."""
        assert self.out == ""
        lines = [line for line in self.err.splitlines() if line.startswith("ganeval: error: ")]
        assert len(lines) == 1, self.err
        assert self.err.splitlines()[-1] == lines[0]
        return lines[0]


Command = Callable[..., Outcome]
