"""`ganeval compare`: one row for each sample."""

import click

from ganeval.cli.options import METRICS_OPTION, output_options, run_options, split_metrics
from ganeval.evaluation import run
from ganeval.results.report import Report
from ganeval.settings import Settings


@click.command()
@click.argument("reference")
@click.argument("samples", nargs=-1, required=True, metavar="SAMPLE...")
@METRICS_OPTION
@output_options
@run_options
def compare(
    *, reference: str, samples: tuple[str, ...], metrics: str | None, settings: Settings
) -> Report:
    """Score several SAMPLEs against one REFERENCE and print the comparison table.

    \b
    ganeval compare real/ dcgan/ stylegan/ -o table.tex
    """
    return run(samples, reference, split_metrics(metrics), settings)
