"""`ganeval cache`: the feature cache, and training pictures that are kept decoded."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from ganeval.cli.panels import SOURCES, Group
from ganeval.cli.prose import say
from ganeval.errors import UsageError
from ganeval.machine.folders import (
    cache_folder,
    index_folder,
    prepared_folder,
    shards_folder,
    shared_cache,
)

if TYPE_CHECKING:
    from ganeval.features.upkeep import CacheSize
    from ganeval.sources.files.index_files import IndexSize
    from reference_models.data.upkeep import PreparedSize

FOLDER = click.option(
    "--cache-dir",
    type=click.Path(),
    metavar="PLACE",
    panel=SOURCES,
    help="Folder or URL of the cache (default: GANEVAL_CACHE, else the user's cache)",
)


@click.group(cls=Group)
def cache() -> None:
    """Inspect and clean the feature cache.

    \b
    ganeval cache info
    """


@cache.command()
@FOLDER
def info(*, cache_dir: str | None) -> None:
    """Print where the cache is and how large it is.

    A cache that machines share keeps a copy on this machine too; the copy has a line of its own.

    \b
    ganeval cache info
    """
    from ganeval.features.upkeep import measure, measure_shared
    from ganeval.machine.remote import RemotePath
    from ganeval.sources.files import index_files
    from reference_models.data import upkeep

    url = shared_cache(cache_dir)
    if url is not None:
        shards = RemotePath.of(url) / "shards"
        say(f"{shards.url}: {_describe(measure_shared(shards))}")
    folder = shards_folder(cache_dir)
    say(f"{folder}: {_describe(measure(folder))}")
    folder = index_folder(cache_dir)
    say(f"{folder}: {_describe_index(index_files.measure(folder))}")
    folder = prepared_folder(cache_dir)
    prepared = upkeep.measure(folder)
    if prepared.num_sources:
        say(f"{folder}: {_describe_prepared(prepared)}")


@cache.command()
@FOLDER
@click.option(
    "--days",
    type=click.FloatRange(min=0),
    default=30,
    show_default=True,
    metavar="N",
    panel=SOURCES,
    help="Number of days without use after which a file is removed",
)
def prune(*, cache_dir: str | None, days: float) -> None:
    """Remove features, training pictures and file records that were not used for a while.

    \b
    ganeval cache prune --days 7
    """
    _remove(cache_dir, older_than_days=days)


@cache.command()
@FOLDER
def clear(*, cache_dir: str | None) -> None:
    """Remove all features, training pictures and file records; weights and data sets stay.

    \b
    ganeval cache clear
    """
    _remove(cache_dir, older_than_days=-math.inf)


def _remove(cache_dir: str | None, *, older_than_days: float) -> None:
    """Remove what was not used for that many days, and say how much it was."""
    from ganeval.features.upkeep import prune
    from ganeval.sources.files import index_files
    from reference_models.data import upkeep

    folder = _own_folder(cache_dir)
    say(f"{folder}: removed {_describe(prune(folder, older_than_days=older_than_days))}")
    folder = index_folder(cache_dir)
    removed = index_files.prune(folder, older_than_days=older_than_days)
    say(f"{folder}: removed {_describe_index(removed)}")
    folder = prepared_folder(cache_dir)
    decoded = upkeep.prune(folder, older_than_days=older_than_days)
    if decoded.num_sources:
        say(f"{folder}: removed {_describe_prepared(decoded)}")


def _own_folder(cache_dir: str | None) -> Path:
    """Return the folder of shards; refuse a cache that others may be using."""
    url = shared_cache(cache_dir)
    if url is not None:
        raise UsageError(
            f"{url}: a cache that machines share, whose files do not say when they were last used",
            "a folder of this machine",
            f"use --cache-dir {cache_folder()} for the copy on this machine, and let the bucket's "
            "lifecycle rules or its own tools remove the rest",
        )
    return shards_folder(cache_dir)


def _describe(size: "CacheSize") -> str:
    """Return a size for people."""
    derived = ""
    if size.num_derived:
        what = "value" if size.num_derived == 1 else "values"
        derived = f", {size.num_derived:,} {what} derived from them"
    return f"{size.num_shards:,} shards{derived}, {_mebibytes(size.num_bytes)}"


def _describe_index(size: "IndexSize") -> str:
    """Return the size of the index for people."""
    return f"records of the files of {size.num_files:,} sources, {_mebibytes(size.num_bytes)}"


def _describe_prepared(size: "PreparedSize") -> str:
    """Return the size of decoded training pictures for people."""
    return f"training pictures of {size.num_sources:,} sources, {_mebibytes(size.num_bytes)}"


def _mebibytes(num_bytes: int) -> str:
    """Return a number of bytes for people."""
    return f"{num_bytes / 2**20:,.1f} MiB"
