"""`ganeval compare`: one row for each sample, and the differences between all pairs."""

from typing import TYPE_CHECKING, Any

import rich_click as click

from ganeval.cli.options import output_options, run_options, split_metrics
from ganeval.cli.panels import SCORING, Command
from ganeval.cli.shared_options import METRICS_OPTION, role_option

if TYPE_CHECKING:
    from ganeval.flow.settings import Settings
    from ganeval.metrics.base import Role
    from ganeval.report.report import Report


@click.command(cls=Command)
@click.argument("reference")
@click.argument("samples", nargs=-1, required=True, metavar="SAMPLE...")
@METRICS_OPTION
@role_option("train")
@role_option("heldout")
@click.option(
    "--rank",
    metavar="METRIC",
    panel=SCORING,
    help="Metric that orders the samples (default: the first)",
)
@click.option(
    "--paired/--unpaired",
    default=None,
    panel=SCORING,
    help="Whether image i of all samples comes from the same seed (default: found out for "
    "generators)",
)
@output_options
@run_options
def compare(
    *,
    reference: str,
    samples: tuple[str, ...],
    metrics: str | None,
    train: str | None,
    heldout: str | None,
    rank: str | None,
    paired: bool | None,
    settings: "Settings",
) -> "Report":
    """Score several SAMPLEs against one REFERENCE, rank them, and compare every pair.

    \b
    ganeval compare real/ dcgan/ stylegan/ -o table.tex
    ganeval compare real/ a.safetensors b.safetensors --rank kid
    """
    from ganeval.evaluation import run_comparison

    others: dict[Role, Any] = {"reference": reference, "train": train, "heldout": heldout}
    return run_comparison(
        samples, others, split_metrics(metrics), settings, rank=rank, paired=paired
    )
