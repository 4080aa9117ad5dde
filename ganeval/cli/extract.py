"""`ganeval extract`: features of a part of a source into the cache."""

from typing import TYPE_CHECKING

import rich_click as click

from ganeval.cli.options import run_options, split_metrics
from ganeval.cli.panels import SCORING, Command
from ganeval.cli.part import parse_part, part_option
from ganeval.cli.prose import say

if TYPE_CHECKING:
    from ganeval.flow.settings import Settings
    from ganeval.metrics.base import Role


@click.command(cls=Command)
@click.argument("source")
@part_option(SCORING)
@click.option(
    "-m",
    "--metrics",
    metavar="METRICS",
    panel=SCORING,
    help="Metrics to be computed later, as for `ganeval eval`; the features that they need are "
    "extracted (default: pool features and logits of the network)",
)
@click.option(
    "--role",
    type=click.Choice(["sample", "reference", "train", "heldout"]),
    default="sample",
    show_default=True,
    metavar="NAME",
    panel=SCORING,
    help="Role of the source in scoring: sample, reference, train, heldout. The role decides "
    "which features metrics need and which random subset --num-images takes",
)
@run_options
def extract(
    *, source: str, part: str, metrics: str | None, role: "Role", settings: "Settings"
) -> None:
    """Put the features of part I of N of SOURCE into the cache.

    The parts may run on any number of machines that share the cache; scoring commands then find the
    features there. Features of pairs and paths are left to the scoring commands.

    \b
    ganeval extract fake/ --part 3/16
    ganeval extract real/ --role reference -m fid,fid@efficientnet-lite0
    """
    from ganeval.extract import extract_part

    number, count = parse_part(part)
    done = extract_part(source, number, count, settings, role=role, metrics=split_metrics(metrics))
    say(
        f"{source}: {done.num_shards} of {done.total_shards} shards, "
        f"{done.num_items:,} {done.noun}, {done.num_computed:,} computed"
    )
