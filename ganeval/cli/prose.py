"""Lines of text, broken at words on a terminal and left as they are elsewhere."""

import os
import shutil
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import rich_click as click

from ganeval.errors import one_line
from ganeval.report.layout import wrap

if TYPE_CHECKING:
    from rich.console import RenderableType


def terminal_width() -> int | None:
    """Return the width of the terminal behind stdout; None for a pipe or a file."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def say(line: str, indent: str = "  ") -> None:
    """Print a line, in which names may have any characters."""
    for part in wrap(one_line(line), terminal_width(), indent):
        click.echo(part)


def say_text(text: "RenderableType") -> None:
    """Print what is laid out already, in colours on a terminal.

    Raises:
        BrokenPipeError: The reader of stdout is gone. rich itself would end the process with 1.
    """
    from rich.console import Console

    class Plain(Console):
        def on_broken_pipe(self) -> None:
            raise

    Plain(highlight=False).print(text, soft_wrap=True)


def warn(line: str) -> None:
    """Print a line to stderr.

    It goes to the current stderr, where a progress display prints such lines above itself;
    `click.echo` would bypass the display.
    """
    width = None
    if sys.stderr.isatty():
        # The width of stderr, not of stdout, which may be a file.
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
