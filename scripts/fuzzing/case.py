"""One hostile input: the files of a folder, and the command that meets them there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

CACHE = "cache"
"""Where every command keeps its features, within the folder of the input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A command to run in the folder that a door has filled.

    Attributes:
        words: What a user would write after `ganeval`.
        environment: Variables to set.
        writes: Names in the folder that the command may make or change, besides the cache.
        encoding: Encoding of stdout.
        repeats: Whether it says the same again, without the cache that it may have found.
    """

    words: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    writes: tuple[str, ...] = ()
    encoding: str = "utf-8"
    repeats: bool = True


Door = Callable[[Random, Path], Case]
"""Fills an empty folder with an input and returns its case; the same for the same numbers."""

FAST = ["--extractor", "random", "--workers", "0"]
"""Options for a network that takes no time."""
