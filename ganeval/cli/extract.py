"""`ganeval extract`: features of a part of a source into the cache."""

import re
from typing import Literal

import click

from ganeval.cli.options import run_options
from ganeval.cli.prose import say
from ganeval.errors import UsageError
from ganeval.extract import extract_part
from ganeval.settings import Settings


@click.command()
@click.argument("source")
@click.option("--part", default="0/1", show_default=True, metavar="I/N", help="Counted from 0.")
@click.option(
    "--role",
    type=click.Choice(["sample", "reference"]),
    default="sample",
    show_default=True,
    help="What it will be in scoring; with --num-images each has a random subset of its own.",
)
@run_options
def extract(
    *, source: str, part: str, role: Literal["sample", "reference"], settings: Settings
) -> None:
    """Put the features of part I of N of SOURCE into the cache.

    The parts may run on any number of machines that share the cache; scoring commands then find the
    features there.

    \b
    ganeval extract fake/ --part 3/16
    """
    number, _, count = part.partition("/")
    if re.fullmatch(r"[0-9]{1,9}/0*[1-9][0-9]{0,8}", part) is None:
        raise UsageError(f"--part {part}", "I/N, such as 0/16", "change it")
    done = extract_part(source, int(number), int(count), settings, role=role)
    say(
        f"{source}: {done.num_shards} of {done.total_shards} shards, {done.num_images:,} images, "
        f"{done.num_computed:,} computed"
    )
