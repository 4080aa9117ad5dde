"""Packages that sound needs and a plain installation lacks."""

import importlib
from importlib.metadata import version
from typing import Any

from ganeval.errors import ResourceError


def load(name: str) -> Any:
    """Return the module of a package of the extra `audio`.

    Raises:
        ResourceError: It is not installed, or its library cannot be loaded.
    """
    try:
        return importlib.import_module(name)
    except (ImportError, OSError) as error:
        raise ResourceError(
            f"a source of sound needs {name}, which cannot be loaded ({error})",
            "the extra audio",
            "pip install 'ganeval[audio]'",
        ) from error


def decoder() -> str:
    """Return the library that decodes sound files, with its versions."""
    soundfile = load("soundfile")
    return f"soundfile {version('soundfile')}, libsndfile {soundfile.__libsndfile_version__}"


def resampler() -> str:
    """Return the resampler, with its version and quality."""
    return f"soxr {load('soxr').__version__} HQ"
