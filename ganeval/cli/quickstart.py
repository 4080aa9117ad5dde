"""`ganeval quickstart`: the whole tour on embedded data, offline."""

from pathlib import Path
from typing import Any

import click

from ganeval.cli.options import show
from ganeval.cli.progress import terminal_progress
from ganeval.quickstart import explain, run_quickstart
from ganeval.settings import Settings


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("quickstart"), show_default=True
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--cache-dir", type=click.Path(path_type=Path), help="Where features are kept.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--quiet", is_flag=True, help="No progress and no warnings.")
@click.option("--traceback", is_flag=True, help="Show where in the code an error arose.")
def quickstart(
    *, out: Path, seed: int, cache_dir: Path | None, as_json: bool, quiet: bool, traceback: bool
) -> None:
    """Score real and spoiled digits by every metric, and say what each metric sees.

    \b
    ganeval quickstart --out tour
    """
    with terminal_progress(quiet=quiet) as progress:
        settings = Settings(
            seed=seed, cache_dir=cache_dir, progress=progress, command="ganeval quickstart"
        )
        report = run_quickstart(out, settings)
    show(report, as_json=as_json)
    if not as_json:
        _explain(report, out)


def _explain(report: Any, out: Path) -> None:
    """Print what the reader sees in the table, and where to look further."""
    click.echo()
    for sentence in explain(report, out):
        click.echo(sentence)
    click.echo(f"\nPictures of every sample: {out / 'samples.png'}; report: {out / 'report.json'}")
