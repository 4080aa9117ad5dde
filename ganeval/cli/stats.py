"""`ganeval stats`: make or read stored statistics."""

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from ganeval.cli.options import run_options
from ganeval.cli.panels import OUTPUT, Group

if TYPE_CHECKING:
    from ganeval.settings import Settings


@click.group(cls=Group)
def stats() -> None:
    """Make or read stored statistics (mean and covariance) of real images.

    \b
    ganeval stats make real/ -o real.npz
    """


@stats.command()
@click.argument("reference")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    panel=OUTPUT,
    help="File for the statistics: .npz",
)
@run_options
def make(*, reference: str, output: Path, settings: "Settings") -> None:
    """Write the statistics of REFERENCE, to be used in its place for FID.

    \b
    ganeval stats make real/ -o real.npz
    ganeval fid real.npz fake/
    """
    from ganeval.extract import make_stats

    num = make_stats(reference, output, settings)
    click.echo(f"{output}: statistics of {num:,} images")


@stats.command()
@click.argument("file", type=click.Path())
def inspect(*, file: str) -> None:
    """Print what a statistics file says of itself.

    \b
    ganeval stats inspect real.npz
    """
    from ganeval.features.stats import load_stats

    content = load_stats(file)
    moments = content.layer_moments
    click.echo(f"images\t{'unknown' if content.num is None else content.num}")
    click.echo(f"dimensions\t{len(moments.mean)}")
    click.echo(f"trace\t{moments.covariance(ddof=1).trace():.9g}")
    if content.card is None:
        click.echo("made by\tanother tool (extractor, weights and resize unknown)")
    else:
        for name, value in content.card.items():
            click.echo(f"{name}\t{value}")
