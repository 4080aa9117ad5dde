"""Turn the warnings of other libraries into our own lines on stderr."""

import logging
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ganeval.cli.call import LOG


@contextmanager
def foreign_warnings_as_lines() -> Iterator[None]:
    """Write each Python warning, and each record of a logger without handler, as one line.

    Warnings that differ only in numbers are written once, so that a thousand pictures with the same
    damage outside their pixels do not make a thousand lines. Python's filters decide which warnings
    there are (`-W`, PYTHONWARNINGS). Nothing here is bound to a thread, unlike
    `warnings.catch_warnings`: pictures are decoded in several.
    """
    told: set[tuple[str, str]] = set()

    def tell(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        text = " ".join(str(message).split())
        place = f"{category.__name__} in {_place(filename)}"
        key = re.sub("[0-9]+", "0", text), place
        if key not in told:
            told.add(key)
            LOG.warning("%s (%s)", text, place)

    before = warnings.showwarning, logging.lastResort
    warnings.showwarning, logging.lastResort = tell, _ToOurs(logging.WARNING)
    try:
        yield
    finally:
        warnings.showwarning, logging.lastResort = before


def _place(filename: str) -> str:
    """Return the path of a module's file, relative to the folder that it was imported from."""
    path = Path(filename)
    folders = [folder for folder in sys.path if folder and path.is_relative_to(folder)]
    places = [path, *(path.relative_to(folder) for folder in folders)]
    return min((place.as_posix() for place in places), key=len)


class _ToOurs(logging.Handler):
    """Hands the records of other loggers to our logger, with their level and name."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record again."""
        LOG.log(record.levelno, "%s (%s)", " ".join(record.getMessage().split()), record.name)
