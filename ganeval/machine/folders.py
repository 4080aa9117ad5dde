"""Where ganeval keeps what it writes unasked."""

import os
from pathlib import Path

import platformdirs

from ganeval.machine.remote import is_remote


def cache_folder() -> Path:
    """Return `GANEVAL_CACHE`, or the user's cache folder for ganeval; it need not exist yet.

    If `GANEVAL_CACHE` is a URL, features are shared there, and all else is in the user's folder.
    """
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
        cache_dir: As the user gave it; before a cache that machines share, it is the usual folder.
    """
    local = None if shared_cache(cache_dir) is not None else cache_dir
    return (cache_folder() if local is None else Path(local)) / "shards"


def index_folder(cache_dir: Path | str | None) -> Path:
    """Return where it is kept what is known of the files of sources; see `shards_folder`."""
    return shards_folder(cache_dir).with_name("index")
