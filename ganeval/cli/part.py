"""`--part I/N`: one part of a job that any number of machines share."""

import re
from collections.abc import Callable
from typing import Any

import rich_click as click

from ganeval.errors import UsageError


def part_option(panel: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the decorator that gives a command the option, as a text for `parse_part`."""
    return click.option(
        "--part",
        default="0/1",
        show_default=True,
        metavar="I/N",
        panel=panel,
        help="Part I of N, counted from 0",
    )


def parse_part(text: str) -> tuple[int, int]:
    """Return the number of the part and how many there are.

    Raises:
        UsageError: The text is not of that form.
    """
    if re.fullmatch(r"[0-9]{1,9}/0*[1-9][0-9]{0,8}", text) is None:
        raise UsageError(f"--part {text}", "I/N, such as 0/16", "change it")
    number, count = map(int, text.split("/"))
    return number, count
