"""`ganeval table`: one table from the reports of several runs."""

import functools
from pathlib import Path

import click

from ganeval.cli.options import output_options
from ganeval.results.report import Report


@click.command()
@click.argument("reports", nargs=-1, required=True, type=click.Path(path_type=Path))
@output_options
def table(*, reports: tuple[Path, ...]) -> Report:
    """Put the scores of several REPORTS (.json) into one table, if they are comparable.

    \b
    ganeval table monday.json tuesday.json -o week.md
    """
    return functools.reduce(Report.merge, [Report.load(path) for path in reports])
