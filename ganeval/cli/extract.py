"""`ganeval extract`: features of a part of a source into the cache."""

from typing import TYPE_CHECKING, Literal

import rich_click as click

from ganeval.cli.options import run_options
from ganeval.cli.panels import SCORING, Command
from ganeval.errors import UsageError

if TYPE_CHECKING:
    from ganeval.settings import Settings


@click.command(cls=Command)
@click.argument("source")
@click.option(
    "--part",
    default="0/1",
    show_default=True,
    metavar="I/N",
    panel=SCORING,
    help="Part I of N, counted from 0",
)
@click.option(
    "--role",
    type=click.Choice(["sample", "reference"]),
    default="sample",
    show_default=True,
    metavar="NAME",
    panel=SCORING,
    help="Role of the source in scoring: sample, reference. With --num-images each role has a "
    "random subset of its own",
)
@run_options
def extract(
    *, source: str, part: str, role: Literal["sample", "reference"], settings: "Settings"
) -> None:
    """Put the features of part I of N of SOURCE into the cache.

    The parts may run on any number of machines that share the cache; scoring commands then find the
    features there.

    \b
    ganeval extract fake/ --part 3/16
    """
    from ganeval.extract import extract_part

    number, _, count = part.partition("/")
    if not (number.isdigit() and count.isdigit() and int(count) > 0):
        raise UsageError(f"--part {part}", "I/N, such as 0/16", "change it")
    done = extract_part(source, int(number), int(count), settings, role=role)
    click.echo(
        f"{source}: {done.num_shards} of {done.total_shards} shards, {done.num_images:,} images, "
        f"{done.num_computed:,} computed"
    )
