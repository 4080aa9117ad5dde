"""`ganeval baseline`: accept a run as what later runs are compared with."""

from pathlib import Path

import rich_click as click

from ganeval.cli.gate_options import ALPHA, MAX_REGRESS
from ganeval.cli.panels import OUTPUT, Group
from ganeval.cli.prose import terminal_width


@click.group(cls=Group)
def baseline() -> None:
    """Keep the accepted scores that `ganeval check` compares with.

    \b
    ganeval baseline accept run.json -o baseline.json
    """


@baseline.command()
@click.argument(
    "runs", metavar="RUN.json...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@MAX_REGRESS
@ALPHA
@click.option(
    "-o",
    "--output",
    metavar="BASE.json",
    type=click.Path(path_type=Path),
    required=True,
    panel=OUTPUT,
    help="File for the baseline; an older baseline in it is replaced",
)
def accept(
    *, runs: tuple[Path, ...], max_regress: tuple[str, ...], alpha: float, output: Path
) -> None:
    """Write RUN.json as a baseline, with the influence values beside it; commit both files.

    The command also says how often an unchanged generator would pass --max-regress. Several files
    count as training runs of one recipe. A baseline may have more images than the runs that are
    checked.

    \b
    ganeval eval real/ fake/ -m fid,kid -o run.json
    ganeval baseline accept run.json -o baseline.json
    """
    from ganeval.gate.baseline import accept as accept_runs
    from ganeval.gate.limits import limits_for
    from ganeval.report.layout import wrap
    from ganeval.report.report import Report

    reports = [Report.load(run) for run in runs]
    limits = limits_for({row.label for row in reports[0].scores}, max_regress)
    width = terminal_width()
    for line in accept_runs(reports, output, limits, alpha):
        text = line.lstrip(" ")
        lead = line[: len(line) - len(text)]
        for part in wrap(text, None if width is None else width - len(lead), "  "):
            click.echo(lead + part)
