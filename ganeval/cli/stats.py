"""`ganeval stats`: make or read stored statistics."""

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from ganeval.cli.options import run_options
from ganeval.cli.panels import OUTPUT, Group
from ganeval.cli.prose import say, say_facts

if TYPE_CHECKING:
    from ganeval.flow.settings import Settings


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

    features = make_stats(reference, output, settings)
    say(f"{output}: statistics of {features.num:,} {features.noun}")


@stats.command()
@click.argument("file", type=click.Path())
def inspect(*, file: str) -> None:
    """Print what a statistics file says of itself.

    \b
    ganeval stats inspect real.npz
    """
    from ganeval.features.stats import load_stats

    content = load_stats(file)
    moments = content.pool
    unknown = {"made by": "another tool (extractor, weights and resize unknown)"}
    facts = {
        content.noun: "unknown" if content.num is None else content.num,
        "dimensions": len(moments.mean),
        "trace": f"{moments.covariance(ddof=1).trace():.9g}",
        **{
            key: value
            for key, value in (content.card or unknown).items()
            if key not in ("item", "noun")
        },
    }
    say_facts(facts.items())
