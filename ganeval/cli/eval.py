"""`ganeval eval`: several metrics in one pass over each source."""

from typing import TYPE_CHECKING

import rich_click as click

from ganeval.cli.options import output_options, run_options, split_metrics
from ganeval.cli.panels import Command
from ganeval.cli.shared_options import METRICS_OPTION

if TYPE_CHECKING:
    from ganeval.results.report import Report
    from ganeval.settings import Settings


@click.command("eval", cls=Command)
@click.argument("reference")
@click.argument("sample")
@METRICS_OPTION
@output_options
@run_options
def evaluate(*, reference: str, sample: str, metrics: str | None, settings: "Settings") -> "Report":
    """Score SAMPLE against REFERENCE by several metrics in one pass.

    \b
    ganeval eval real/ fake/
    ganeval eval real/ fake/ -m fid,kid:subset_size=500,pr:k=5 -o run.json -o run.md
    """
    from ganeval.evaluation import run

    return run([sample], reference, split_metrics(metrics), settings)
