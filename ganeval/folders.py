"""The one folder that ganeval writes to unasked."""

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Return `GANEVAL_CACHE`, or the user's cache folder for ganeval; it need not exist yet."""
    named = os.environ.get("GANEVAL_CACHE")
    return Path(named).expanduser() if named else platformdirs.user_cache_path("ganeval")
