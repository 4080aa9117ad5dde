"""The folders in which ganeval keeps its caches."""

import os
from pathlib import Path

import platformdirs

from ganeval.machine.remote import is_remote


def cache_folder(cache_dir: Path | str | None = None) -> Path:
    """Return the cache folder of this machine; it need not exist yet.

    It is `cache_dir`, else `GANEVAL_CACHE`, else the user's cache folder for ganeval. A URL is
    skipped, because it only names where features are shared; see `shared_cache`.

    Args:
        cache_dir: As the user gave it; None if it was not given.
    """
    if cache_dir is not None and not is_remote(cache_dir):
        return Path(cache_dir)
    named = os.environ.get("GANEVAL_CACHE", "")
    if named and not is_remote(named):
        return Path(named).expanduser()
    return platformdirs.user_cache_path("ganeval")


def shared_cache(cache_dir: Path | str | None) -> str | None:
    """Return the URL of the cache that machines share, if there is one.

    Args:
        cache_dir: As the user gave it; None stands for `GANEVAL_CACHE`.
    """
    named = os.environ.get("GANEVAL_CACHE") if cache_dir is None else cache_dir
    return named if isinstance(named, str) and is_remote(named) else None


def shards_folder(cache_dir: Path | str | None) -> Path:
    """Return where features are kept on this machine.

    Args:
        cache_dir: As the user gave it; a URL is skipped as in `cache_folder`.
    """
    return cache_folder(cache_dir) / "shards"


def index_folder(cache_dir: Path | str | None) -> Path:
    """Return where facts about the files of sources are kept; see `shards_folder`."""
    return cache_folder(cache_dir) / "index"


def prepared_folder(cache_dir: Path | str | None) -> Path:
    """Return where decoded training pictures are kept; see `shards_folder`."""
    return cache_folder(cache_dir) / "prepared"
