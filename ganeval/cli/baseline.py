"""`ganeval baseline`: accept a run as what later runs are compared with."""

from pathlib import Path

import click

from ganeval.results.baseline import accept as accept_run
from ganeval.results.report import Report


@click.group()
def baseline() -> None:
    """Keep the accepted scores that `ganeval check` compares with."""


@baseline.command()
@click.argument("run", metavar="RUN.json", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    metavar="BASE.json",
    type=click.Path(path_type=Path),
    required=True,
    help="The baseline; an older one is replaced.",
)
@click.option("--quiet", is_flag=True, help="No warnings.")
@click.option("--traceback", is_flag=True, help="Show where in the code an error arose.")
def accept(*, run: Path, output: Path, quiet: bool, traceback: bool) -> None:
    """Write RUN.json as a baseline, with the influence values beside it; commit both files.

    \b
    ganeval eval real/ fake/ -m fid,kid -o run.json
    ganeval baseline accept run.json -o baseline.json
    """
    for line in accept_run(Report.load(run), output):
        click.echo(line)
