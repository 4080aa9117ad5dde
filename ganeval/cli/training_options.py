"""Options that `train`, `benchmark`, `latents` and `likelihood` share."""

import rich_click as click

from ganeval.cli.panels import MACHINE, SOURCES

CACHE_DIR = click.option(
    "--cache-dir",
    type=click.Path(),
    metavar="PLACE",
    panel=SOURCES,
    help="Folder of the cache for features and decoded training images, or a URL that machines "
    "share for features",
)
DEVICE = click.option(
    "--device",
    default="auto",
    show_default=True,
    metavar="NAME",
    panel=MACHINE,
    help="Device of the networks: auto, cpu, cuda, cuda:1, mps",
)
