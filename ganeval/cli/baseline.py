"""`ganeval baseline`: accept a run as what later runs are compared with."""

from pathlib import Path

import rich_click as click

from ganeval.cli.panels import OUTPUT, Group


@click.group(cls=Group)
def baseline() -> None:
    """Keep the accepted scores that `ganeval check` compares with.

    \b
    ganeval baseline accept run.json -o baseline.json
    """


@baseline.command()
@click.argument("run", metavar="RUN.json", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    metavar="BASE.json",
    type=click.Path(path_type=Path),
    required=True,
    panel=OUTPUT,
    help="File of the baseline; an older one is replaced",
)
def accept(*, run: Path, output: Path) -> None:
    """Write RUN.json as a baseline, with the influence values beside it; commit both files.

    \b
    ganeval eval real/ fake/ -m fid,kid -o run.json
    ganeval baseline accept run.json -o baseline.json
    """
    from ganeval.gate.baseline import accept as accept_run
    from ganeval.report.report import Report

    for line in accept_run(Report.load(run), output):
        click.echo(line)
