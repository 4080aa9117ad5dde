"""The versions of what computed the scores."""

import importlib.metadata
import platform

_LIBRARIES = ("torch", "torchvision", "numpy", "scipy", "pillow", "safetensors")


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that numbers can depend on."""
    return {
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in _LIBRARIES},
    }
