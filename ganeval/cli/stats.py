"""`ganeval stats`: make or read stored statistics."""

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from ganeval.cli.options import run_options
from ganeval.cli.panels import OUTPUT, Group
from ganeval.cli.prose import say, say_facts

if TYPE_CHECKING:
    from ganeval.features.stats import Stats
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
    """Write the statistics of REFERENCE, which can replace it for FID.

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
    """Print what a statistics file says about its origin.

    \b
    ganeval stats inspect real.npz
    """
    from ganeval.features.stats import load_stats

    content = load_stats(file)
    moments = content.pool
    said = content.card or {"made by": "another tool (extractor, weights and resize unknown)"}
    facts = {
        content.noun: "unknown" if content.num is None else content.num,
        "dimensions": len(moments.mean),
        "trace": f"{moments.covariance(ddof=1).trace():.9g}",
        "parts": "none" if content.quarters is None else "moments of four random quarters",
        "intervals": _intervals(content),
    }
    told = {"item", "noun", *facts}
    say_facts([*facts.items(), *((key, said[key]) for key in said if key not in told)])


def _intervals(content: "Stats") -> str:
    """Say whether an FID against these statistics can have an interval, or why not."""
    from ganeval.features.parts import FEWEST_ROWS
    from ganeval.metrics.parts.frechet_error import ENOUGH_FOR_INTERVAL

    again = f"; make it again with `ganeval stats make`, from the {content.noun}"
    if content.num is None:
        return f"no: number of {content.noun} unknown{again}"
    if content.quarters is None and content.num >= FEWEST_ROWS:
        maker = "another tool" if content.card is None else "an older version"
        return f"no: made by {maker}{again}"
    enough = max(ENOUGH_FOR_INTERVAL * content.width, FEWEST_ROWS)
    if content.num < enough:
        per_dimension = f"{ENOUGH_FOR_INTERVAL} for each dimension"
        return f"no: fewer than {enough:,} {content.noun}, {per_dimension}"
    return "yes"
