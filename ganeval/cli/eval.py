"""`ganeval eval`: several metrics in one pass over each source."""

from typing import TYPE_CHECKING, Any

import rich_click as click

from ganeval.cli.options import output_options, run_options, split_metrics
from ganeval.cli.panels import Command
from ganeval.cli.shared_options import METRICS_OPTION, role_option

if TYPE_CHECKING:
    from ganeval.flow.settings import Settings
    from ganeval.metrics.base import Role
    from ganeval.report.report import Report


@click.command("eval", cls=Command)
@click.argument("reference")
@click.argument("sample")
@METRICS_OPTION
@role_option("train")
@role_option("heldout")
@output_options
@run_options
def evaluate(
    *,
    reference: str,
    sample: str,
    metrics: str | None,
    train: str | None,
    heldout: str | None,
    settings: "Settings",
) -> "Report":
    """Score SAMPLE against REFERENCE by several metrics in one pass.

    \b
    ganeval eval real/ fake/
    ganeval eval real/ fake/ -m fid,kid:subset_size=500,pr:k=5 \\
        -o run.json -o run.md
    """
    from ganeval.evaluation import run

    others: dict[Role, Any] = {"reference": reference, "train": train, "heldout": heldout}
    return run([sample], others, split_metrics(metrics), settings)
