"""`ganeval table`: one table from the reports of several runs."""

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from ganeval.cli.options import output_options
from ganeval.cli.panels import OUTPUT, Command
from ganeval.errors import UsageError

if TYPE_CHECKING:
    from ganeval.report.report import Report


@click.command(cls=Command)
@click.argument("reports", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="NAME=RUN.json",
    panel=OUTPUT,
    help="Name for the sample of a report, as NAME=RUN.json; may be repeated",
)
@output_options
def table(*, reports: tuple[Path, ...], labels: tuple[str, ...]) -> "Report":
    """Put the scores of several REPORTS (.json) into one table, if they are comparable.

    Reports of one generator are told apart by their training step, or by --label.

    \b
    ganeval table monday.json tuesday.json -o week.md
    ganeval table --label before=monday.json --label after=tuesday.json
    """
    from ganeval.report.merging import merged_files

    named: dict[str, Path] = {}
    for text in labels:
        name, _, path = text.partition("=")
        if not name or not path:
            raise UsageError(f"--label {text}", "NAME=RUN.json", "correct it")
        if name in named:
            raise UsageError(f"--label names '{name}' twice", "a name for each", "change one")
        named[name] = Path(path)
    if not reports and not named:
        raise UsageError("no report is named", "RUN.json, one or more", "name one")
    return merged_files(reports, named)
