"""`ganeval fid`, `is`, `kid`, `pr`, `dc`: one metric each."""

from typing import TYPE_CHECKING

import rich_click as click

from ganeval.cli.options import output_options, run_options
from ganeval.cli.panels import Command

if TYPE_CHECKING:
    from ganeval.results.report import Report
    from ganeval.settings import Settings


def _against_reference(name: str, summary: str, example: str) -> Command:
    """Return the command of a metric that compares a sample with a reference."""

    @click.argument("reference")
    @click.argument("sample")
    @output_options
    @run_options
    def command(*, reference: str, sample: str, settings: "Settings") -> "Report":
        from ganeval.evaluation import run

        return run([sample], reference, [name], settings)

    command.__doc__ = f"{summary}\n\n    \b\n    {example}\n"
    return click.command(name, cls=Command)(command)


fid = _against_reference(
    "fid",
    "Frechet Inception distance of SAMPLE to REFERENCE; lower is better.",
    "ganeval fid real/ fake/\n    ganeval fid real.npz fake.zip --protocol pytorch-fid",
)
kid = _against_reference(
    "kid",
    "Kernel Inception distance of SAMPLE to REFERENCE; lower is better, unbiased.",
    "ganeval kid real/ fake/ --protocol torch-fidelity",
)
pr = _against_reference(
    "pr",
    "Precision and recall of SAMPLE against REFERENCE; higher is better.",
    "ganeval pr real/ fake/ --num-images 10000",
)
dc = _against_reference(
    "dc",
    "Density and coverage of SAMPLE against REFERENCE; higher is better.",
    "ganeval dc real/ fake/ --num-images 10000",
)


@click.command("is", cls=Command)
@click.argument("sample")
@output_options
@run_options
def inception_score(*, sample: str, settings: "Settings") -> "Report":
    """Inception Score of SAMPLE; higher is better, no reference is needed.

    \b
    ganeval is fake/
    """
    from ganeval.evaluation import run

    return run([sample], None, ["is"], settings)
