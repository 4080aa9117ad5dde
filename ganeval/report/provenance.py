"""The versions behind the scores, and the merged provenance of several runs."""

import importlib.metadata
import platform
from collections.abc import Mapping
from typing import Any

_LIBRARIES = ("torch", "torchvision", "numpy", "scipy", "pillow", "safetensors")


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that numbers can depend on."""
    return {
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in _LIBRARIES},
    }


def joined_provenance(
    one: Mapping[str, Any],
    other: Mapping[str, Any],
    *,
    network: str | None,
    networks: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the merged provenance of two runs that are put into one report.

    If a fact that changes only last digits differs, both values are named: `"cpu, cuda"`.

    Args:
        one: Provenance of the one.
        other: Provenance of the other.
        network: Name of the default network of both.
        networks: What is known about all networks, by name.
    """
    libraries = one.get("libraries", {}), other.get("libraries", {})
    both = {
        **one,
        **_both(one, other, ("ganeval", "device", "gpu", "micro_batch")),
        "weights": {**other.get("weights", {}), **one.get("weights", {})},
        "network": network,
        "networks": dict(networks),
        "sources": {**one.get("sources", {}), **other.get("sources", {})},
    }
    warnings = dict.fromkeys([*one.get("warnings", ()), *other.get("warnings", ())])
    if "warnings" in one or "warnings" in other:
        both["warnings"] = list(warnings)
    if any(libraries):
        both["libraries"] = _both(*libraries, tuple(dict.fromkeys([*libraries[0], *libraries[1]])))
    return both


def _both(
    one: Mapping[str, Any], other: Mapping[str, Any], names: tuple[str, ...]
) -> dict[str, Any]:
    """Return the values of both; where they differ, one text with both."""
    values = {name: [made[name] for made in (one, other) if name in made] for name in names}
    return {
        name: found[0] if len(set(found)) == 1 else ", ".join(map(str, found))
        for name, found in values.items()
        if found
    }
