"""`ganeval table`: one table from the reports of several runs."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from ganeval.cli.options import output_options
from ganeval.cli.panels import Command

if TYPE_CHECKING:
    from ganeval.results.report import Report


@click.command(cls=Command)
@click.argument("reports", nargs=-1, required=True, type=click.Path(path_type=Path))
@output_options
def table(*, reports: tuple[Path, ...]) -> "Report":
    """Put the scores of several REPORTS (.json) into one table, if they are comparable.

    \b
    ganeval table monday.json tuesday.json -o week.md
    """
    from ganeval.results.report import Report

    return functools.reduce(Report.merge, [Report.load(path) for path in reports])
