"""`ganeval stats`: make or read stored statistics."""

from pathlib import Path

import click

from ganeval.cli.options import run_options
from ganeval.cli.prose import say, say_facts
from ganeval.extract import make_stats
from ganeval.features.stats import load_stats
from ganeval.settings import Settings


@click.group()
def stats() -> None:
    """Make or read stored statistics (mean and covariance) of real images."""


@stats.command()
@click.argument("reference")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@run_options
def make(*, reference: str, output: Path, settings: Settings) -> None:
    """Write the statistics of REFERENCE, to be used in its place for FID.

    \b
    ganeval stats make real/ -o real.npz
    ganeval fid real.npz fake/
    """
    num = make_stats(reference, output, settings)
    say(f"{output}: statistics of {num:,} images")


@stats.command()
@click.argument("file", type=click.Path())
@click.option("--traceback", is_flag=True, help="Show where in the code an error arose.")
def inspect(*, file: str, traceback: bool) -> None:
    """Print what a statistics file says of itself.

    \b
    ganeval stats inspect real.npz
    """
    content = load_stats(file)
    moments = content.layer_moments
    unknown = {"made by": "another tool (extractor, weights and resize unknown)"}
    facts = {
        "images": "unknown" if content.num is None else content.num,
        "dimensions": len(moments.mean),
        "trace": f"{moments.covariance(ddof=1).trace():.9g}",
        **(unknown if content.card is None else content.card),
    }
    say_facts(facts.items())
