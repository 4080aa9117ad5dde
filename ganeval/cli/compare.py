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
@click.argument("samples", nargs=-1, metavar="SAMPLE...")
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
    help="State whether image i of every sample comes from the same seed (default: detected for "
    "generators)",
)
@click.option(
    "--runs",
    multiple=True,
    metavar="NAME=GLOB",
    panel=SCORING,
    help="Training runs of a recipe, one source for each, instead of SAMPLEs; may be repeated",
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
    runs: tuple[str, ...],
    settings: "Settings",
) -> "Report":
    """Score several SAMPLEs against one REFERENCE, rank them, and compare every pair.

    With --runs every recipe has one row, and its error is computed over its training runs.

    \b
    ganeval compare real/ dcgan/ stylegan/ -o table.tex
    ganeval compare real/ a.safetensors b.safetensors --rank kid
    ganeval compare real/ --runs "old=old/*.safetensors" \\
        --runs "new=new/*.safetensors"
    """
    from ganeval.errors import UsageError
    from ganeval.evaluation import compare_recipes, run_comparison

    others: dict[Role, Any] = {"reference": reference, "train": train, "heldout": heldout}
    if bool(runs) == bool(samples):
        raise UsageError(
            "both SAMPLE and --runs" if runs else "neither SAMPLE nor --runs",
            "one of them",
            "name samples, or the training runs of recipes (--runs NAME=GLOB)",
        )
    if not runs:
        return run_comparison(
            samples, others, split_metrics(metrics), settings, rank=rank, paired=paired
        )
    if paired is not None:
        raise UsageError(
            "--paired or --unpaired with --runs",
            "neither, since training runs are independent",
            "leave it out",
        )
    recipes = dict(map(_recipe, runs))
    if len(recipes) < len(runs):
        raise UsageError("--runs has one NAME twice", "each once", "rename one")
    return compare_recipes(recipes, others, split_metrics(metrics), settings, rank=rank)


def _recipe(text: str) -> tuple[str, list[str]]:
    """Return the name and the training runs of NAME=GLOB.

    Raises:
        UsageError: The text is not of that form, or nothing matches.
    """
    import glob

    from ganeval.errors import UsageError

    name, equals, pattern = text.partition("=")
    if not name or not equals or not pattern:
        raise UsageError(f"--runs {text}", "NAME=GLOB", 'such as --runs "old=old/*.safetensors"')
    found = sorted(glob.glob(pattern))  # noqa: PTH207  # a pattern may be absolute
    if not found:
        raise UsageError(f"--runs {text}: nothing matches", "training runs", "check the pattern")
    return name, found
