"""Lines of text: broken at words where a terminal has a width, else as they are."""

import os
import shutil
import sys
from collections.abc import Iterable

import rich_click as click

from ganeval.errors import one_line
from ganeval.report.layout import wrap


def terminal_width() -> int | None:
    """Return the columns of the terminal that stdout is; None for a pipe or a file."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def say(line: str, indent: str = "  ") -> None:
    """Print a line, whatever is in the names in it."""
    for part in wrap(one_line(line), terminal_width(), indent):
        click.echo(part)


def warn(line: str) -> None:
    """Print a line to stderr.

    It is written to what stderr is at the moment: a progress display prints such lines above
    itself, and `click.echo` would write past it.
    """
    width = None
    if sys.stderr.isatty():
        # Not as wide as stdout, which may be a file.
        own = os.get_terminal_size(sys.stderr.fileno()).columns
        width = int(os.environ.get("COLUMNS") or own) or None
    for part in wrap(line, width, "  "):
        sys.stderr.write(f"{part}\n")


def say_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Print names with values: in columns on a terminal, else with a tab between them."""
    facts = [(one_line(name), one_line(str(value))) for name, value in facts]
    if terminal_width() is None:
        for name, value in facts:
            click.echo(f"{name}\t{value}")
        return
    width = max(len(name) for name, _ in facts) + 2
    for name, value in facts:
        say(f"{name:<{width}}{value}", " " * width)
