"""Lines on stdout: broken at words where a terminal has a width, else as they are."""

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
