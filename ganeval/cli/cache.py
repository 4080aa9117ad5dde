"""`ganeval cache`: the feature cache."""

import math
from pathlib import Path

import click

from ganeval.features.upkeep import CacheSize, measure
from ganeval.features.upkeep import prune as prune_shards
from ganeval.folders import cache_folder

FOLDER = click.option("--cache-dir", type=click.Path(path_type=Path), help="Another cache.")


@click.group()
def cache() -> None:
    """Look after the feature cache."""


@cache.command()
@FOLDER
def info(*, cache_dir: Path | None) -> None:
    """Print where the cache is and how large.

    \b
    ganeval cache info
    """
    folder = _shards(cache_dir)
    click.echo(f"{folder}: {_describe(measure(folder))}")


@cache.command()
@FOLDER
@click.option(
    "--days", type=click.FloatRange(min=0), default=30, show_default=True, help="Unused so long."
)
def prune(*, cache_dir: Path | None, days: float) -> None:
    """Remove features that were not used for a while.

    \b
    ganeval cache prune --days 7
    """
    folder = _shards(cache_dir)
    click.echo(f"{folder}: removed {_describe(prune_shards(folder, older_than_days=days))}")


@cache.command()
@FOLDER
def clear(*, cache_dir: Path | None) -> None:
    """Remove all features; weights and data sets stay.

    \b
    ganeval cache clear
    """
    folder = _shards(cache_dir)
    removed = prune_shards(folder, older_than_days=-math.inf)
    click.echo(f"{folder}: removed {_describe(removed)}")


def _shards(cache_dir: Path | None) -> Path:
    """Return the folder of shards."""
    return (cache_dir or cache_folder()) / "shards"


def _describe(size: CacheSize) -> str:
    """Return a size for people."""
    derived = f", {size.num_derived:,} values derived from them" if size.num_derived else ""
    return f"{size.num_shards:,} shards{derived}, {size.num_bytes / 2**20:,.1f} MiB"
