"""The exception tree; each class carries the exit code of the command line.

* GanevalError            2  (never raised itself)
  + UsageError            2  a name, an option or their combination is wrong
  + InputError            2  an image, a source or a statistics file cannot be used
    - UnstableError       2  a source changed or went away while it was read
  + MismatchError         2  scores that are not comparable were about to be compared
  + MachineError    4  (never raised itself) the machine lacks something
    - WeightsError        4  pretrained weights are missing or damaged
    - CacheError          4  the cache cannot be used
    - ResourceError       4  disk, memory or network gave out
    - TeamError           4  processes that share the work differ, or one is gone
"""

import shlex
from collections.abc import Iterable
from typing import ClassVar, Self


def one_line(text: str) -> str:
    """Escape control characters and undecodable bytes, so that any file name fits on one line."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def raised(error: Exception) -> str:
    """Return the class and the first line of what a stranger's code has raised."""
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"


def spelt(**options: object) -> str:
    """Spell options both for the command line and for Python.

    `spelt(latent_layout="map")` gives `--latent-layout map (in Python latent_layout='map')`.
    """
    words = [
        f"--{name.replace('_', '-')}" + ("" if value is True else f" {shlex.quote(str(value))}")
        for name, value in options.items()
    ]
    python = ", ".join(f"{name}={value!r}" for name, value in options.items())
    return f"{' '.join(words)} (in Python {python})"


NEEDED = "needed: "
"""Comes before what is needed, in the line of an error and of a finding."""


class GanevalError(Exception):
    """An error that a user can act on: what was found, what is needed, what to do.

    `InputError("fake/: no images", "at least 2", "name a folder with pictures")` is shown as
    `fake/: no images; needed: at least 2; name a folder with pictures`.
    """

    exit_code: ClassVar[int] = 2
    details: tuple[str, ...] = ()
    """Further lines for what does not fit into the error's own line, such as each unusable file."""

    def __init__(self, found: str, needed: str, remedy: str) -> None:
        super().__init__(found, needed, remedy)
        self.found, self.needed, self.remedy = (one_line(part) for part in (found, needed, remedy))

    def __str__(self) -> str:
        return f"{self.found}; {NEEDED}{self.needed}; {self.remedy}"

    def with_details(self, lines: Iterable[str]) -> Self:
        """Return the error with lines to print above it."""
        self.details = tuple(one_line(line) for line in lines)
        return self


class UsageError(GanevalError):
    """A name, an option or a combination of them is wrong."""


class InputError(GanevalError):
    """An image, a source or a statistics file cannot be used."""


class UnstableError(InputError):
    """A source changed or disappeared while it was read; its pictures may be fine."""


class MismatchError(GanevalError):
    """Scores made under different conditions were about to be compared."""


class MachineError(GanevalError):
    """The machine lacks something that the command needs."""

    exit_code = 4


class WeightsError(MachineError):
    """Pretrained weights are missing, damaged or refused."""


class CacheError(MachineError):
    """The feature cache cannot be used."""


class ResourceError(MachineError):
    """Disk, memory or network gave out."""


class TeamError(MachineError):
    """Processes that share the work differ, or one of them is gone."""
